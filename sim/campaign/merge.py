"""The report of a folder of results, and of several together: shards merged into one campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sim.apart import PAGE
from sim.campaign.campaign_document import Document, build
from sim.campaign.matrix import cells
from sim.campaign.results import Results
from sim.campaign.row import Row, badness
from sim.campaign.shard import Shard
from sim.errors import InputError, Problem


def report_of(results: Results) -> Document:
    """The report of one folder, which is of its own shard."""
    about = results.about
    return build(about.campaign, about.shard.part(cells(about.campaign)), results.rows())


def merged(found: Sequence[Results]) -> Document:
    """The report of the whole campaign. Raises InputError for folders that do not belong together.

    A cell that several folders have is counted once, and the worst of it is believed.
    """
    first = found[0].about
    problems = [
        Problem(f"has the results of {why}, by {found[0].folder}", str(other.folder))
        for other in found[1:]
        if (why := first.differs(other.about))
    ]
    if problems:
        raise InputError(*problems)
    rows: dict[str, Row] = {}
    for row in (row for results in found for row in results.rows()):
        known = rows.get(row["cell"])
        if known is None or badness(row) > badness(known):
            rows[row["cell"]] = row
    missing = [*_missing(found, rows)]
    return build(first.campaign, cells(first.campaign), rows.values(), missing)


def pages(found: Iterable[Results]) -> dict[str, Path]:
    """Where the pages of runs are that have one, by the ids of their cells."""
    return {
        row["cell"]: page
        for results in found
        for row in results.rows()
        if (page := results.cell(row["cell"]) / PAGE).exists()
    }


def _missing(found: Sequence[Results], rows: dict[str, Row]) -> Iterator[str]:
    """Which shards are not there, and which were not finished."""
    campaign, of = found[0].about.campaign, found[0].about.shard.of
    if any(results.about.shard.of != of for results in found):
        of = 1  # cut in different ways: only the whole can be told of
    given = {results.about.shard.number for results in found} if of > 1 else {1}
    asked, absent = Counter[int](), Counter[int]()
    for cell in cells(campaign):
        number = cell.index % of + 1
        asked[number] += 1
        absent[number] += cell.id not in rows
    for number in sorted(number for number, count in absent.items() if count):
        shard = f"shard {Shard(number, of)}" if of > 1 else "the campaign"
        if number in given:
            yield f"{shard} was not finished: {absent[number]} of {asked[number]} runs are missing"
        else:
            yield f"{shard} is missing, with {absent[number]} runs"
