"""The cells of a campaign on a Dask cluster: each world has a worker's `world` for itself.

Queues, placement and what happens when a worker dies are Dask's. A cell's row is made and kept
here, once, from the report that the worker sends back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import distributed

from sim.apart import FILES, empty, ran_of, words
from sim.campaign import worker_side
from sim.campaign.bundle import folders_of, packed
from sim.campaign.campaign_runner import RunCell
from sim.campaign.cell_run import row_from
from sim.campaign.matrix import Cell
from sim.campaign.results import Results
from sim.campaign.row import Row, row_unjudged
from sim.errors import EnvironmentLacksError
from sim.rng import fresh_seed

RESOURCE = "world"
_WORKER = 'dask worker ADDRESS --nthreads 1 --resources "world=1"'


@asynccontextmanager
async def on_cluster(
    address: str, results: Results, base: Path
) -> AsyncIterator[tuple[RunCell, int]]:
    """What runs a cell on the cluster of a scheduler, and how many at a time it takes.

    At the end nothing of the campaign is left there. Raises EnvironmentLacksError where there is no
    cluster, or none of its workers has a world to give.
    """
    cloudpickle.register_pickle_by_value(worker_side)
    folders = folders_of(results.about.campaign, base)
    name = f"sim-campaign-{fresh_seed()}"
    try:
        client = await distributed.Client(  # type: ignore[no-untyped-call] # it has no types
            address, asynchronous=True, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise EnvironmentLacksError(
            f"no scheduler answers at {address}: {error}",
            f"start one (`dask scheduler`), and workers: {_WORKER}",
        ) from error
    async with client:
        worlds = _worlds(await client.scheduler.identity())
        if not worlds:
            raise EnvironmentLacksError(
                f"no worker of {address} has a `{RESOURCE}` to give", f"start workers: {_WORKER}"
            )
        bundle = worker_side.BundlePlugin(name, packed(folders))
        await client.register_plugin(bundle, name=name)

        async def run(cell: Cell) -> Row:
            future = client.submit(
                worker_side.run_world,
                name,
                folders.at,
                words(Path(cell.scenario), cell.arguments, Path("{out}")),
                FILES,
                key=f"{name}-{cell.id}-{fresh_seed()}",
                pure=False,
                resources={RESOURCE: 1},
            )
            return await _kept(future, cell, results.cell(cell.id))

        try:
            yield run, 2 * worlds
        finally:
            await client.unregister_worker_plugin(name)


async def _kept(future: Any, cell: Cell, folder: Path) -> Row:
    """The row of a cell when its run has ended, with the files that came back."""
    try:
        code, written = await future
    except Exception as error:  # noqa: BLE001 - whatever became of a worker, the cell proves nothing
        return row_unjudged(cell, f"the worker came to no verdict: {type(error).__name__}: {error}")
    empty(folder)
    for file, content in written.items():
        (folder / file).write_bytes(content)
    return row_from(cell, ran_of(folder, code, f"exit code {code}"))


def _worlds(info: dict[str, Any]) -> int:
    return int(sum(worker["resources"].get(RESOURCE, 0) for worker in info["workers"].values()))
