"""What a campaign remembers of one run: a line of its results, from the run's own report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.campaign.matrix import SEED, Cell
from sim.report import series
from sim.report.asked import asked
from sim.report.document import Document
from sim.report.longest import longest_outages

Row = dict[str, Any]

_RANK = {"held": 0, "unknown": 1, "failed": 2}


def row_of(cell: Cell, report: Document) -> Row:
    """The line of a run that was judged. Seconds are simulated."""
    figures = series.row(report)
    cost = report["cost_usd_month"]
    return {
        **_named(cell),
        "verdict": report["verdict"],
        "why": [*_broken(report), *report["doubts"]],
        "outage_s": figures["worst_outage_s"],
        "outages_s": {place: row["seconds"] for place, row in longest_outages(report).items()},
        "detection_s": _detection_s(report),
        "lost": figures["lost"],
        "duplicated": figures["duplicated"],
        "reordered": figures["reordered"],
        "forgotten": figures["forgotten"],
        "cost_usd_month": cost and cost["total"],
        "noisy": _noisy(report),
        "alone": False,
    }


def row_unjudged(cell: Cell, why: str) -> Row:
    """The line of a run that came to no report: it proves nothing."""
    figures = ("outage_s", "detection_s", "lost", "duplicated", "reordered", "forgotten")
    return {
        **_named(cell),
        "verdict": "unknown",
        "why": [why],
        **dict.fromkeys(figures),
        "outages_s": {},
        "cost_usd_month": None,
        "noisy": False,
        "alone": False,
    }


def badness(row: Row) -> tuple[int, float, int]:
    """The order of rows from the best to the worst; of equals the later is the better."""
    return _RANK[row["verdict"]], row["outage_s"] or 0.0, -row["index"]


def _named(cell: Cell) -> Row:
    return {"cell": cell.id, "index": cell.index, "setup": cell.setup, SEED: cell.seed}


def _broken(report: Document) -> Sequence[str]:
    return [
        f"{asked(row)}: {row['observed']}" + (f" ({row['why']})" if row["why"] else "")
        for row in report["expectations"]
        if row["held"] is not True
    ]


def _detection_s(report: Document) -> float | None:
    """Of the longest outage, the part until the region was known to be lost."""
    longest = max(report["outages"], key=lambda row: row["seconds"], default=None)
    return longest and longest["detection_s"]


def _noisy(report: Document) -> bool:
    """Whether a verdict is unknown only because of what the host kept waiting."""
    waited = any(report["noise"]["waited_s"].values())
    return report["verdict"] == "unknown" and not report["doubts"] and waited
