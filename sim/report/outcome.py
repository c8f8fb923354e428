"""What a run showed, from its journal alone: no world, no server and no page is needed for it.

`sim run`, `sim report`, the live page, tests and sweeps all judge by this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sim.errors import InputError, Problem
from sim.observe.events import RunStarted
from sim.observe.history import History
from sim.observe.journal import Record
from sim.report import document
from sim.report.document import Document
from sim.scenario.evidence import Evidence
from sim.scenario.live_session import Session
from sim.scenario.load_scenario import scenario_from_mapping
from sim.scenario.verdict import Verdict, of_session
from sim.scenario.verdict import judge as verdict_of
from sim.topology.load_topology import topology_from_mapping


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
