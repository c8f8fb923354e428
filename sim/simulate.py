"""One run of a scenario, from its world's start to its report: what every way of running shares.

`sim run`, the pytest plugin, repeats, replays and sweeps all come by here, so a run is judged in
one way whoever asked for it (report/outcome.py), and only from its journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from sim.control.verbs import Control
from sim.errors import InputError, Problem
from sim.lens.choice import ClockName
from sim.machines.runtime import RuntimeName
from sim.observe.journal import Subscriber
from sim.report.outcome import Outcome, judge
from sim.scenario import runner
from sim.scenario.faults import FAULTS
from sim.scenario.model import Scenario
from sim.world import World


def world_for(
    scenario: Scenario,
    *,
    seed: int,
    speed: float = 1.0,
    secrets: Mapping[str, str] | None = None,
    journal_path: Path | None = None,
    runtime: RuntimeName = "process",
    clock: ClockName = "lens",
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
        clock=clock,
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
