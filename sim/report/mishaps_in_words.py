"""Machines that died, what the driver raised and the most frequent errors, in words for tables."""

from __future__ import annotations

from collections.abc import Iterator

from sim.report.document import Document

MOST_ERRORS = 5  # kinds of errors, of those in the JSON report
MOST_LINES = 5  # of a dead machine's output

DEATHS = "Machines that died by themselves"
RAISED = "What the driver raised, which says nothing of the gateway"
ERRORS = "The most frequent errors"
FAULTED = "Errors where a fault stood in the way"


def death(row: Document) -> str:
    """A machine's death, in one line."""
    return f"{row['at_s']:.1f} s  {row['machine']} of {row['region']} {row['exit']}"


def raised(row: Document) -> str:
    """One kind of a driver's errors: where, how often, what."""
    where = row["file"] if row["line"] is None else f"{row['file']}:{row['line']}"
    return f"{where}  {_times(row)} {row['error']}"


def errors(report: Document) -> Iterator[tuple[str, list[str]]]:
    """The most frequent kinds of errors under their titles: where, how often, why."""
    rows = report["frequent_errors"]
    for title, fault in ((ERRORS, False), (FAULTED, True)):
        if kinds := [_error(row) for row in rows if (row["fault"] is not None) == fault]:
            yield title, kinds[:MOST_ERRORS]


def _error(row: Document) -> str:
    fault = f", during {row['fault']}" if row["fault"] else ""
    where = f"{row['location']} → {row['region'] or 'nowhere'}{fault}"
    return f"{where}: {_times(row)} {row['reason']}"


def _times(row: Document) -> str:
    return f"{row['count']} \N{MULTIPLICATION SIGN}"
