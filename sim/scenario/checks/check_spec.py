"""What a check is: one specification, from which all that speaks of checks follows.

A file of this folder holds a check's function with its specification above it::

    @check("gaps", (LOCATION, Param("max", …)), summary="…", takes="…")
    def gaps(evidence: Evidence, params: Params) -> Finding: ...

The reader of scenario files, its messages, the tests' `expect`, and the documentation's table
follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_seconds
from sim.scenario.targets import read_location, read_region

Params = Mapping[str, Any]

WINDOW = (
    Param("from", "from_s", read_seconds, said="from {} s"),
    Param("until", "until_s", read_seconds, said="until {} s"),
)

LOCATION = Param("location", "location", read_location, required=True)
REGION = Param("region", "region", read_region, required=True)


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


@dataclass(frozen=True)
class CheckSpec:
    """One check: its word, its parameters, and how it judges; `from` and `until` bound every one.

    `one_of` names parameters of which at least one must be given. `summary` says when it holds,
    `takes` what its parameters are, for the docs.
    """

    name: str
    params: tuple[Param, ...]
    judge: Judge
    summary: str
    takes: str
    one_of: tuple[str, ...] = ()

    @property
    def keys(self) -> list[str]:
        """The keys that an expectation of this check may have."""
        return ["check", *(param.key for param in (*self.params, *WINDOW))]

    def asked(self, given: Mapping[str, Any]) -> str:
        """An expectation in words: what it is about, then its bounds."""
        params = [param for param in (*self.params, *WINDOW) if given.get(param.name) is not None]
        params.sort(key=lambda param: param.said != "{}")
        words = [param.in_words(given[param.name]) for param in params]
        return f"{self.name}: {', '.join(words)}" if words else self.name


def check(
    name: str, params: tuple[Param, ...], *, summary: str, takes: str, one_of: tuple[str, ...] = ()
) -> Callable[[Judge], CheckSpec]:
    """Make a function the specification of a check."""
    return lambda judge: CheckSpec(name, params, judge, summary, takes, one_of)


def window(evidence: Evidence, params: Params) -> tuple[float, float]:
    """The part of the run that an expectation speaks of, in seconds from the load's start."""
    until = params.get("until_s")
    return params.get("from_s") or 0.0, evidence.history.end if until is None else until


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
