"""The longest outage of each place in a report."""

from __future__ import annotations

from collections.abc import Callable

from sim.report.document import Document


def longest_outages(
    report: Document, place: Callable[[Document], str] = lambda row: str(row["location"])
) -> dict[str, Document]:
    """The report's row of it by place, the longest first; a place is a location unless told."""
    found: dict[str, Document] = {}
    for row in sorted(report["outages"], key=lambda row: -row["seconds"]):
        found.setdefault(place(row), row)
    return found
