"""Who runs when, with runs that are none."""

from __future__ import annotations

import asyncio

import pytest

from sim.campaign.campaign_runner import run_cells
from sim.campaign.matrix import cells
from sim.campaign.row import Row
from sim.clock import Clock


@pytest.fixture
def todo(campaign):
    return [*cells(campaign(seeds=9))]


async def test_so_many_run_side_by_side_and_each_is_kept_once(todo, row):
    now, most = 0, 0
    kept: list[Row] = []

    async def run(cell):
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await Clock().sleep(0)
        now -= 1
        return row(cell)

    await run_cells(todo, [], 3, run, kept.append)
    assert most == 3
    assert sorted(r["index"] for r in kept) == [*range(9)]


async def test_what_noise_spoilt_runs_again_once_and_alone(todo, row):
    now = 0
    kept: list[Row] = []
    alone = []

    async def run(cell):
        nonlocal now
        now += 1
        for _ in range(3):
            await Clock().sleep(0)
        alone.append((cell.index, now == 1))
        now -= 1
        return row(cell, verdict="unknown", noisy=cell.index in (2, 5, 7))

    await run_cells(todo[:6], [todo[7]], 2, run, kept.append)
    assert [(r["index"], r["alone"]) for r in kept[6:]] == [(7, True), (2, True), (5, True)]
    assert alone[6:] == [(7, True), (2, True), (5, True)]
    assert len(kept) == 9, "once: what is spoilt again stays unknown"


async def test_whoever_cancels_it_cancels_what_runs(todo, row):
    started, ended = asyncio.Event(), []

    async def run(cell):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(cell.index)

    task = asyncio.create_task(run_cells(todo, [], 2, run, lambda _: None))
    await started.wait()
    await Clock().sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1]
