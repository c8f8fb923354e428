"""Two runs held against each other: what each expectation came to, and every figure that moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.report.asked import asked
from sim.report.document import Document
from sim.report.longest import longest_outages

_HELD = {True: "held", False: "FAILED", None: "unknown"}
_RANK = {"held": 0, "unknown": 1, "failed": 2}
_OUTAGE = ("clients", "median_s", "seconds", "detection_s", "dns_s", "recovery_s", "reconnect_s")
_ABOUT = ("scenario", "seed", "speed", "runtime", "links")


@dataclass(frozen=True)
class Change:
    """One thing that is not the same: in the first run, in the second; None where it has none."""

    what: str
    first: Any
    second: Any

    @property
    def by(self) -> float | None:
        """How much more the second has, for numbers."""
        if isinstance(self.first, int | float) and isinstance(self.second, int | float):
            return float(self.second - self.first)
        return None


def changes(first: Document, second: Document) -> list[Change]:
    """Everything that differs between two reports, the verdict and the expectations first."""
    return [change for change in _pairs(first, second) if change.first != change.second]


def is_worse(first: Document, second: Document) -> bool:
    """Whether the second's verdict is worse, or it no longer holds what the first held."""
    if _RANK[second["verdict"]] > _RANK[first["verdict"]]:
        return True
    before, after = _expectations(first), _expectations(second)
    held = [key for key in after if key in before and before[key]["held"] is True]
    return any(after[key]["held"] is not True for key in held)


def _expectations(report: Document) -> dict[str, Document]:
    return {asked(row): row for row in report["expectations"]}


def _pairs(first: Document, second: Document) -> Iterator[Change]:
    yield Change("verdict", first["verdict"], second["verdict"])
    for key in _ABOUT:
        yield Change(key, first[key], second[key])
    for key, one, other in _both(_expectations(first), _expectations(second)):
        yield Change(key, _said(one), _said(other))
    for key, one, other in _both(_outages(first), _outages(second)):
        for part in _OUTAGE:
            name = f"outage of {key}, {part.removesuffix('_s')}"
            yield Change(name, one and one[part], other and other[part])
    for table in ("messages", "sessions"):
        for key, one, other in _both(first[table], second[table]):
            yield Change(f"{table} {key}", one, other)
    for key, one, other in _both(_latencies(first), _latencies(second)):
        yield Change(f"latency {key}, ms", one, other)


def _both(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Every key of either, with both values."""
    for key in dict.fromkeys([*first, *second]):
        yield key, first.get(key), second.get(key)


def _said(row: Document | None) -> str | None:
    return None if row is None else f"{_HELD[row['held']]}, {row['observed']}"


def _outages(report: Document) -> dict[str, Document]:
    """The longest outage of each location on each region that it lost."""
    return longest_outages(
        report, lambda row: f"{row['location']} on {row['region'] or 'no region'}"
    )


def _latencies(report: Document) -> dict[str, float]:
    return {
        f"{location} to {region}, {percentile}": value
        for location, regions in report["latency_ms"].items()
        for region, values in regions.items()
        for percentile, value in values.items()
    }
