"""One run of a scenario, from its world's start to its report: what every way of running shares.

`sim run`, the pytest plugin, repeats, replays and sweeps all come by here, so a run is judged in
one way whoever asked for it, and only from its journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sim.control.verbs import Control
from sim.errors import InputError, Problem
from sim.machines.runtime import RuntimeName
from sim.observe.events import RunStarted
from sim.observe.history import History
from sim.observe.journal import Record, Subscriber
from sim.report import document
from sim.report.document import Document
from sim.scenario import runner
from sim.scenario.evidence import Evidence
from sim.scenario.faults import FAULTS
from sim.scenario.load import scenario_from_mapping
from sim.scenario.model import Scenario
from sim.scenario.session import Session
from sim.scenario.verdict import Verdict, of_session
from sim.scenario.verdict import judge as verdict_of
from sim.topology.load import topology_from_mapping
from sim.world import World


@dataclass(frozen=True)
class Outcome:
    """What a run showed: its journal, and what follows from nothing but it."""

    records: Sequence[Record]
    evidence: Evidence
    verdict: Verdict

    @cached_property
    def report(self) -> Document:
        """The report as `--json` writes it; other forms are drawn from it."""
        return document.build(self.evidence, self.verdict)


def world_for(
    scenario: Scenario,
    *,
    seed: int,
    speed: float = 1.0,
    secrets: Mapping[str, str] | None = None,
    journal_path: Path | None = None,
    runtime: RuntimeName = "process",
) -> World:
    """The world that a scenario runs in, not up yet. Raises InputError for the wrong runtime."""
    if runtime != "docker" and (problems := _on_containers_only(scenario)):
        raise InputError(*problems)
    return World(
        scenario.topology,
        seed=seed,
        speed=speed,
        secrets=secrets,
        journal_path=journal_path,
        scenario=scenario.document,
        runtime=runtime,
    )


def _on_containers_only(scenario: Scenario) -> list[Problem]:
    file = str(scenario.path) if scenario.path else None
    return [
        Problem(
            f"`{entry.fault}` is done to containers: run it with --runtime docker (processes can"
            " be cut off by a `partition` of the region's links, and hang by `freeze`)",
            file,
            field=f"timeline[{number}]",
        )
        for number, entry in enumerate(scenario.timeline)
        if FAULTS[entry.fault].containers
    ]


async def simulate(
    world: World,
    scenario: Scenario,
    *,
    warn: Callable[[str], None],
    watch: AbstractContextManager[Subscriber] | None = None,
) -> Outcome:
    """Bring the world up, run the scenario in it, end the world, and judge what its journal says.

    `watch` is entered for the time of the run and told each record; `warn` gets what a person
    should be told. Raises SimError where the world does not come up.
    """
    with watch or nullcontext() as tell:
        async with world, Control(world):
            if tell:
                world.journal.subscribe(tell)
            await runner.run(world, scenario, warn)
    return judge(world.journal.records, scenario.name)


def judge(records: Sequence[Record], source: str) -> Outcome:
    """Judge a journal; one of a world that was only brought up is told of, with no verdict.

    Raises InputError, which names `source`, for one that does not begin as journals do.
    """
    run = records[0].event if records else None
    if not isinstance(run, RunStarted):
        message = "does not begin with the start of a run: it is no journal, or only a part of one"
        raise InputError(Problem(message, file=source))
    topology = topology_from_mapping(run.topology)
    if run.scenario is None:
        session = Session(records, topology)
        return Outcome(records, session, of_session(session))
    evidence = Evidence(History(records), scenario_from_mapping(run.scenario, topology))
    return Outcome(records, evidence, verdict_of(evidence))
