"""What a check is: a function from evidence to a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.scenario.evidence import Evidence

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a check found. `held` is None where the run cannot tell."""

    held: bool | None
    observed: str
    why: str = ""


def unknown(why: str) -> Finding:
    """A finding for a question that the run does not answer."""
    return Finding(None, "nothing", why)


Judge = Callable[[Evidence, Params], Finding]


def window(evidence: Evidence, params: Params) -> tuple[float, float]:
    """The part of the run that an expectation speaks of, in seconds from the load's start."""
    until = params.get("until_s")
    return params.get("from_s") or 0.0, evidence.history.end if until is None else until


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
