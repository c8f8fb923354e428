"""The report's lines on machines that were stopped: which drained, which did not, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from sim.report.document import Document

_MOST_TOLD = 10


def lines(report: Document) -> list[str]:
    """The stops of a report in words: those that drained together, the others one by one."""
    bad = [row for row in report["stops"] if row["outcome"] != "drained"]
    told = [_where(row) + f"{row['machine']} of {row['region']}: {row['story']}" for row in bad]
    told[_MOST_TOLD:] = [f"… {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return [*_drained(report["stops"]), *told]


def _drained(stops: Iterable[Document]) -> Iterator[str]:
    found = sorted((row for row in stops if row["outcome"] == "drained"), key=lambda row: row["by"])
    for _, group in groupby(found, key=lambda row: row["by"]):
        same = list(group)
        longest = max(same, key=lambda row: row["took_s"])
        who = f"{longest['machine']} of {longest['region']}"
        if len(same) > 1:
            who = f"{len(same)} machines drained, the slowest was {who}"
        yield f"{_where(same[0])}{who}: {longest['story']}"


def _where(row: Document) -> str:
    return f"{row['at_s']:.1f} s, {row['by']}: "
