"""The verdict: held, failed or unknown, from a journal alone.

A broken expectation fails a run, unless it may have been broken by what is not the gateway's doing
(disturbances.py). Without one, the verdict is held only if every question could be answered: the
simulator's own parts worked, the driver did not raise, each message had a number of its own, the
clients connected, every fault could be felt, and the run went to its end. (Outages, latencies and
sessions rest on the answers that a driver told of by number, as what is stored does.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sim.observe.doubts import doubts
from sim.observe.history import History
from sim.scenario.checks import Finding
from sim.scenario.disturbances import settled
from sim.scenario.evidence import Evidence
from sim.scenario.felt import unfelt
from sim.scenario.model import Expectation

Word = Literal["held", "failed", "unknown"]

EXIT_CODES: dict[Word, int] = {"held": 0, "failed": 1, "unknown": 4}


# It stands in every scenario that does not say otherwise, and is told of where it does not hold.
IMPLIED = Expectation("machines", {"deaths": 0})


@dataclass(frozen=True)
class Verdict:
    """What a run showed. `doubts` are the reasons for which it proves less than it should."""

    outcome: Word
    findings: Sequence[tuple[Expectation, Finding]]
    doubts: Sequence[str]

    @property
    def exit_code(self) -> int:
        """The exit code of FORMATS: 0 held, 1 failed, 4 unknown."""
        return EXIT_CODES[self.outcome]


def judge(evidence: Evidence) -> Verdict:
    """Hold every expectation against the evidence, and sum up."""
    expected = evidence.scenario.expect
    findings = [(expectation, settled(evidence, expectation)) for expectation in expected]
    why = [
        *_doubts(evidence.history),
        *_unfinished_deploys(evidence),
        *evidence.driver_mistakes,
    ]
    if all(expectation.check != IMPLIED.check for expectation in expected):
        finding = settled(evidence, IMPLIED)
        findings += [] if finding.held else [(IMPLIED, finding)]
    if not expected:
        why.append("the scenario expects nothing")
    if any(finding.held is False for _, finding in findings):
        outcome: Word = "failed"
    elif why or any(finding.held is None for _, finding in findings):
        outcome = "unknown"
    else:
        outcome = "held"
    return Verdict(outcome, findings, why)


def _unfinished_deploys(evidence: Evidence) -> list[str]:
    """What a deploy still drops after the run, nobody sees."""
    return [
        f"the deploy of release {deploy.release} was not over at the end: give the run more time"
        for deploy in evidence.deploys
        if deploy.outcome is None
    ]


def of_session(evidence: Evidence) -> Verdict:
    """The verdict of a world that was only brought up: there is none to be had."""
    found = [*doubts(evidence.history), "no scenario was run: there was nothing to judge"]
    return Verdict("unknown", [], found)


def _doubts(history: History) -> list[str]:
    found = list(doubts(history))
    if not history.load_started:
        return [*found, "the load never started"]
    if history.ended is None:
        found.append(f"the run was cut off at {history.last_t:.1f} s")
    if not history.connected:
        return [*found, "no client ever connected"]
    return found + unfelt(history)
