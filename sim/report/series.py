"""Several runs of one scenario, side by side: how they end, and how far their outages spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sim.report.document import Document
from sim.report.longest import longest_outages

Verdict = Literal["held", "failed", "unknown"]


def row(report: Document) -> dict[str, Any]:
    """The figures of one run that a series is about. Seconds are simulated."""
    messages = report["messages"]
    return {
        "seed": report["seed"],
        "verdict": report["verdict"],
        "worst_outage_s": max((out["seconds"] for out in report["outages"]), default=0.0),
        "cut_off": sum(outage["clients"] for outage in report["outages"]),
        "lost": messages["lost"] if messages["audited"] else None,
        "duplicated": messages["duplicated"] if messages["audited"] else None,
        "reordered": messages["reordered"] if messages["audited"] else None,
        "forgotten": report["sessions"]["broken"],
    }


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several: failed if one failed, else unknown if one is, else held."""
    order: tuple[Verdict, ...] = ("failed", "unknown", "held")
    return min(verdicts, key=order.index)


def spread(reports: Sequence[Document]) -> list[dict[str, Any]]:
    """Of each location's worst outage the least, the median and the greatest over all runs."""
    found: dict[str, list[float]] = {}
    for report in reports:
        longest = longest_outages(report)
        for place in dict.fromkeys([*report["traffic"], *longest]):
            seconds = longest[place]["seconds"] if place in longest else 0.0
            found.setdefault(place, []).append(seconds)
    return [
        {
            "location": place,
            "least_s": min(values),
            "median_s": sorted(values)[(len(values) - 1) // 2],
            "greatest_s": max(values),
        }
        for place, values in found.items()
    ]
