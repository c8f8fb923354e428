"""Words for the connections that ended before the load did, for people."""

from __future__ import annotations

from sim.report.document import Document

HEAD = "Connections that ended before the load did, and who ended them"
MOST_ROWS = 12
_GOODBYES = {"message": "by a message", "none": "not at all", "unknown": "nobody knows how"}


def total(report: Document) -> int:
    """How many connections ended."""
    return sum(row["count"] for row in report["disconnects"])


def nobody(report: Document) -> str:
    """That there was no outage, without hiding what ended all the same."""
    ended = total(report)
    if not ended:
        return "nobody was cut off"
    connections = "1 connection" if ended == 1 else f"{ended} connections"
    return f"nobody waited longer than its own pace, but {connections} ended before the load did"


def omitted(report: Document) -> str:
    """What the first rows leave out, or nothing."""
    rest = report["disconnects"][MOST_ROWS:]
    return f"… {sum(row['count'] for row in rest)} more, of other kinds" if rest else ""


def cells(row: Document) -> list[str]:
    """One row: location, region, who, code, reason, how many, unanswered."""
    code = "-" if row["code"] is None else str(row["code"])
    place = [row["location"], row["region"], row["by"]]
    return [*place, code, row["reason"] or "-", str(row["count"]), str(row["unanswered"])]


def goodbyes(row: Document) -> str:
    """How a deploy told those goodbye whom it dropped; nothing where there are none."""
    return ", ".join(
        f"{_GOODBYES.get(how, f'with {how}')} to {n}" for how, n in row["goodbyes"].items()
    )
