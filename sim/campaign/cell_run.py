"""One cell as a run in a process of its own."""

from __future__ import annotations

from pathlib import Path

from sim.apart import Ran, run_apart
from sim.campaign.matrix import Cell
from sim.campaign.row import Row, row_of, row_unjudged


async def run_cell(cell: Cell, base: Path, folder: Path) -> Row:
    """Run a cell, with the files of its run in `folder`; scenarios are named from `base`."""
    return row_from(cell, await run_apart(base / cell.scenario, cell.arguments, folder))


def row_from(cell: Cell, ran: Ran) -> Row:
    """The row of a cell's run that has ended."""
    return row_unjudged(cell, ran.why) if ran.report is None else row_of(cell, dict(ran.report))
