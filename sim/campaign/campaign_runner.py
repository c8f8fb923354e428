"""Runs the cells of a campaign side by side, and once more alone where the host spoilt one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from sim.campaign import matrix
from sim.campaign.cell_run import run_cell
from sim.campaign.matrix import Cell
from sim.campaign.results import Results
from sim.campaign.row import Row
from sim.errors import single_error

RunCell = Callable[[Cell], Awaitable[Row]]


def usual_jobs() -> int:
    """How many worlds this machine carries side by side: one for two cores.

    A world's links, machines and clients keep more than one core busy at times, and what they wait
    for a core is what makes a verdict unknown.
    """
    return max(1, len(os.sched_getaffinity(0)) // 2)


async def run_cells(
    todo: Iterable[Cell],
    spoilt: Iterable[Cell],
    jobs: int,
    run: RunCell,
    keep: Callable[[Row], None],
) -> None:
    """Run what is `todo`, `jobs` at a time, and then alone what was `spoilt` or is now.

    Each row is kept as its run ends. A run that is unknown because of noise has a second, alone,
    whose row takes the place of the first.
    """
    left = iter(todo)
    again = list(spoilt)

    async def work() -> None:
        for cell in left:
            row = await run(cell)
            keep(row)
            if _spoilt(row):
                again.append(cell)

    with single_error():
        async with asyncio.TaskGroup() as workers:
            for _ in range(jobs):
                workers.create_task(work())
    for cell in again:
        keep({**await run(cell), "alone": True})


def here(results: Results, base: Path) -> RunCell:
    """What runs a cell on this machine; scenarios are named from `base`."""
    return lambda cell: run_cell(cell, base, results.cell(cell.id))


async def go_on(
    results: Results,
    done: Mapping[str, Row],
    jobs: int,
    run: RunCell,
    tell: Callable[[int, Row], None],
) -> None:
    """Run what of a campaign's shard is not `done` yet, keep each row, and `tell` it."""
    about = results.about
    cells = [*about.shard.part(matrix.cells(about.campaign))]
    ended = len(done)

    def keep(row: Row) -> None:
        nonlocal ended
        ended += not row["alone"]
        results.keep(row)
        tell(ended, row)

    await run_cells(
        [cell for cell in cells if cell.id not in done],
        [cell for cell in cells if cell.id in done and _spoilt(done[cell.id])],
        jobs,
        run,
        keep,
    )


def _spoilt(row: Row) -> bool:
    """Whether a run is unknown because of noise, and was not run again alone."""
    return bool(row["noisy"]) and not row["alone"]
