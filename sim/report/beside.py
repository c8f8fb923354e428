"""The outages of several runs beside each other: what the same failure costs in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.report.document import Document
from sim.report.longest import longest_outages

_PARTS = {
    "clients": "clients hit",
    "median_s": "median, s",
    "seconds": "worst, s",
    "detection_s": "  = detection",
    "dns_s": "  + DNS",
    "recovery_s": "  + recovery",
    "reconnect_s": "  + reconnect",
}


def rows(reports: Mapping[str, Document]) -> list[dict[str, Any]]:
    """One row for each figure, with a column for each run; a location without an outage has 0.

    Of several outages of a location the longest counts.
    """
    found = [
        _row("", "verdict", {name: report["verdict"] for name, report in reports.items()}),
        _row("", "speed", {name: report["speed"] for name, report in reports.items()}),
    ]
    longest = {name: longest_outages(report) for name, report in reports.items()}
    for location in dict.fromkeys(place for outages in longest.values() for place in outages):
        found += _outage(location, {name: o.get(location) for name, o in longest.items()})
    for part in ("lost", "duplicated", "unknown"):
        counts = {name: report["messages"][part] for name, report in reports.items()}
        found.append(_row("", f"messages {part}", counts))
    return found


def named(stems: Sequence[str]) -> list[str]:
    """A name for each run, from its file's; those that occur twice are numbered."""
    return [
        stem if stems.count(stem) == 1 else f"{stem} {stems[: k + 1].count(stem)}"
        for k, stem in enumerate(stems)
    ]


def _outage(location: str, by_run: Mapping[str, Document | None]) -> Iterator[dict[str, Any]]:
    moved = {name: _move(outage) if outage else None for name, outage in by_run.items()}
    yield _row(location, "from → to", moved)
    for part, title in _PARTS.items():
        values = {name: outage[part] if outage else 0 for name, outage in by_run.items()}
        yield _row(location, title, values)


def _move(outage: Document) -> str:
    return f"{outage['region'] or 'nowhere'} → {outage['to_region'] or 'nowhere'}"


def _row(location: str, figure: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"location": location, "figure": figure, **values}
