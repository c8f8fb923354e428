"""What became of the promises: each by the findings of the run that decides it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sim.observe.history import History
from sim.promises.promise import Promise
from sim.promises.trials import Trial
from sim.report.asked import asked
from sim.report.document import Document
from sim.report.outcome import Outcome
from sim.scenario.checks import Finding
from sim.scenario.model import Expectation

Word = Literal["held", "broken", "unknown"]
_VERDICT: Mapping[Word, str] = {"held": "held", "broken": "failed", "unknown": "unknown"}


@dataclass(frozen=True)
class Kept:
    """One promise: whether it was held, by how much not, and why. `run` decided it."""

    promise: Promise
    word: Word
    observed: str
    why: Sequence[str]
    run: str


@dataclass(frozen=True)
class Tried:
    """A trial that was run."""

    trial: Trial
    outcome: Outcome


def kept(tried: Tried) -> list[Kept]:
    """The promises that a run decides.

    A run that proves less than it should breaks none and holds none: what it found to be held is
    unknown, with the reason.
    """
    findings = list(tried.outcome.verdict.findings)
    doubts = list(tried.outcome.verdict.doubts)
    served = _served_before(tried.outcome.evidence.history)
    found, at = [], 0
    for promise in tried.trial.promises:
        mine = findings[at : at + len(promise.expect)]
        at += len(promise.expect)
        found.append(_kept(promise, mine, doubts) if served else _never_served(promise))
    return found


def _served_before(history: History) -> bool:
    """Whether anybody was served before the first fault: else nothing could be lost by it."""
    first_s = min((t for t, _ in history.faults), default=history.end)
    return any(answer[0] < first_s for answer, _ in history.answered.values())


def _never_served(promise: Promise) -> Kept:
    why = (
        "no client was served before anything was done: does the driver fit the gateway (--driver),"
        " and does the gateway have what it needs?"
    )
    return Kept(promise, "unknown", "nothing", (why,), promise.trial)


def worst(all_kept: Sequence[Kept]) -> str:
    """The verdict of them all, in a run's words: failed before unknown before held."""
    words = [_VERDICT[one.word] for one in all_kept]
    return next((word for word in ("failed", "unknown") if word in words), "held")


def document(app: str, runs: Sequence[Tried]) -> Document:
    """All of it as plain data."""
    all_kept = [one for tried in runs for one in kept(tried)]
    return {
        "app": app,
        "verdict": worst(all_kept),
        "promises": [
            {
                "name": one.promise.name,
                "says": one.promise.says,
                "verdict": one.word,
                "observed": one.observed,
                "why": list(one.why),
                "run": one.run,
            }
            for one in all_kept
        ],
        "runs": [_run(tried) for tried in runs],
    }


def _run(tried: Tried) -> dict[str, Any]:
    report = tried.outcome.report
    about = ("verdict", "runtime", "links", "speed", "clock", "seed", "duration_s", "doubts")
    return {
        "name": tried.trial.name,
        "does": tried.trial.does,
        **{key: report[key] for key in about},
        "scenario": dict(tried.trial.scenario.document),
    }


def _kept(
    promise: Promise, findings: Sequence[tuple[Expectation, Finding]], doubts: Sequence[str]
) -> Kept:
    word = _word([finding for _, finding in findings], doubts)
    decisive = {"broken": False, "unknown": None, "held": True}[word]
    first = sorted(findings, key=lambda pair: pair[1].held is not decisive)
    reasons = first if word == "held" else [p for p in first if p[1].held is decisive]
    why = (*_why(reasons), *(doubts if word == "unknown" else ()))
    observed = "; ".join(dict.fromkeys(_observed(*pair) for pair in first))
    return Kept(promise, word, observed, why, promise.trial)


def _word(findings: Sequence[Finding], doubts: Sequence[str]) -> Word:
    if any(finding.held is False for finding in findings):
        return "broken"
    return "unknown" if doubts or any(finding.held is None for finding in findings) else "held"


def _observed(expectation: Expectation, finding: Finding) -> str:
    """What was seen, and of whom."""
    place = expectation.params.get("location")
    seen = finding.observed if finding.held is not None else f"{finding.observed} (undecided)"
    if place is None:
        return seen
    return f"{place} cut off for {seen}" if expectation.check == "outage" else f"{place}: {seen}"


def _why(findings: Sequence[tuple[Expectation, Finding]]) -> Iterator[str]:
    for expectation, finding in findings:
        if finding.why:
            row = {"check": expectation.check, **expectation.params}
            given = {key: value for key, value in row.items() if value is not None}
            yield f"{asked(given)}: {finding.why}"
