"""The part of a world's journal that one test is about, and what it shows.

A world may serve several tests, and several loads one after another. A test is judged by what it
did itself: the state of the world counts from the world's start, faults from the test's start, and
clients from the start of its last load, whose clients alone count where there is one. (A client
that a test leads by the hand talks when the test says so: its silences are no outages.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.clients.load_spec import LoadSpec
from sim.observe.doubts import doubts
from sim.observe.events import ClientMade
from sim.observe.excerpt import excerpt
from sim.observe.history import History
from sim.observe.journal import Record, Records
from sim.report.asked import asked
from sim.scenario.checks import Finding
from sim.scenario.checks.check_spec import unknown
from sim.scenario.disturbances import settled
from sim.scenario.evidence import Evidence
from sim.scenario.felt import unfelt
from sim.scenario.model import Expectation, Scenario
from sim.testing.failures import ExpectationError
from sim.topology.model import Topology
from sim.topology.units import format_duration, parse_duration

_TIMES = ("from", "until")
_GRAIN_S = 1e-6


@dataclass
class Episode:
    """Where in the journal a test begins, what it loads the world with, and what it expects.

    `load` is None before there was one; `section` and `expect` are these as a scenario has them.
    """

    name: str
    test_from: int
    load_from: int | None = None
    load: LoadSpec | None = None
    section: dict[str, Any] = field(default_factory=dict)
    expect: list[Mapping[str, Any]] = field(default_factory=list)

    def of(self, records: Sequence[Record], scenario: Mapping[str, Any] | None = None) -> Records:
        """The part of a world's journal that this episode is about, as a run of `scenario`."""
        begin, clients = self.test_from, None
        if self.load_from is not None:
            begin = self.load_from
            made = (record.event for record in records[begin:])
            clients = {event.client for event in made if isinstance(event, ClientMade)}
        return excerpt(
            records, begin, faults_from=self.test_from, clients=clients, scenario=scenario
        )

    def evidence(self, records: Sequence[Record], topology: Topology) -> Evidence:
        """What was seen so far."""
        history = History(self.of(records))
        history.last_t += _GRAIN_S  # windows are half open, and what was seen last counts too
        load = self.load or LoadSpec(every_s=max(1.0, history.end))
        return Evidence(history, Scenario(self.name, topology, load, (), history.end))

    def document(self, end_s: float) -> dict[str, Any]:
        """This episode as a scenario's document, by which its journal can be judged by itself."""
        windows = [parse_duration(e[key]) for e in self.expect for key in _TIMES if key in e]
        duration = format_duration(max(1.0, end_s, *windows))
        section = dict(self.section) or {"driver": "http", "every": duration}
        return {
            "name": self.name,
            "load": section,
            "duration": duration,
            "expect": [dict(entry) for entry in self.expect],
        }


def find(evidence: Evidence, expectation: Expectation) -> Finding:
    """Hold an expectation against what was seen; unknown where that proves less than it seems."""
    history, until_s = evidence.history, expectation.params.get("until_s")
    if until_s is not None and until_s > history.end + _GRAIN_S:
        return unknown(f"its window ends at {until_s:g} s, and it is {history.end:.1f} s now")
    if expectation.check == "outage" and not history.load_started:
        return unknown("an outage is measured by clients that talk regularly: `world.load(…)`")
    finding = settled(evidence, expectation)
    if finding.held and (doubts := _doubts(evidence)):
        return Finding(None, finding.observed, "; ".join(doubts))
    return finding


def demand(evidence: Evidence, expectation: Expectation) -> None:
    """Raise ExpectationError where an expectation does not hold, or where that is not known."""
    __tracebackhide__ = True
    finding = find(evidence, expectation)
    if finding.held is not True:
        row = {"check": expectation.check, **expectation.params}
        raise ExpectationError(asked(row), finding)


def _doubts(evidence: Evidence) -> list[str]:
    """Why what seems to hold proves nothing. What was done before a load began set its stage."""
    history = evidence.history
    return [
        *doubts(history),
        *unfelt(history, since_s=0.0),
        *evidence.driver_mistakes,
    ]
