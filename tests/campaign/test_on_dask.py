"""Campaigns on two workers, whose runs are no worlds but a program that stands for `sim`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import subprocess
import sys

import pytest

from sim.campaign import bundle
from sim.campaign.campaign_runner import go_on
from sim.campaign.matrix import cells
from sim.campaign.results import About, Results
from sim.campaign.shard import Shard
from sim.clock import Clock
from sim.errors import EnvironmentLacksError

on_cluster = pytest.importorskip("sim.campaign.on_dask", exc_type=ImportError).on_cluster

# As much of a report as a campaign keeps.
REPORT = {
    "verdict": "held",
    "seed": 0,
    "outages": [],
    "messages": {"audited": True, "lost": 0, "duplicated": 0, "reordered": 0},
    "sessions": {"broken": 0},
    "expectations": [],
    "doubts": [],
    "cost_usd_month": None,
    "noise": {"waited_s": {}},
}
# It writes what `sim run` writes. The first run of a seed in HANGS waits there for its end.
STAND_IN = """
import os, pathlib, signal, sys
words = sys.argv
value = lambda option: words[words.index(option) + 1]
marks = pathlib.Path(os.environ["MARKS"])
assert pathlib.Path(words[2]).exists(), "the campaign's files came along"
mark = marks / value("--seed")
if mark.name in os.environ["HANGS"].split() and not mark.exists():
    mark.write_text(f"{os.getppid()} {os.getpid()}")
    signal.pause()
pathlib.Path(value("--json")).write_text((marks / "report.json").read_text())
pathlib.Path(value("--html")).write_text("the page of " + mark.name)
pathlib.Path(value("--journal")).write_text("the journal")
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a cluster of workers with such resources; gives the scheduler's address."""
    marks = tmp_path / "marks"
    package = tmp_path / "stand-in"
    for folder in (marks, package):
        folder.mkdir()
    (marks / "report.json").write_text(json.dumps(REPORT))
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN)
    monkeypatch.setattr(bundle, "_PACKAGE", package)
    started: list[subprocess.Popen[str]] = []

    def program(*words):
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]],
            cwd=marks,
            env={**os.environ, "MARKS": str(marks), "HANGS": "2"},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    def start(resources="world=1"):
        at = ("--host", "127.0.0.1", "--no-dashboard")
        scheduler = program("scheduler", "--port", "0", *at)
        lines = (re.search("tcp://[^ ]+:[0-9]+", line) for line in scheduler.stderr)
        address = next(filter(None, lines))[0]
        worker = ("worker", address, *at, "--nthreads", "1", "--no-nanny", "--resources", resources)
        for process in [program(*worker) for _ in range(2)]:
            next(line for line in process.stderr if "Registered to" in line)
        return address

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def results(campaign, tmp_path):
    return Results.begin(tmp_path / "out", About(campaign(seeds=6), Shard(), ""))


async def test_a_cell_of_a_worker_that_dies_is_done_again_and_counts_once(start, results, tmp_path):
    address, ended = start(), []

    def tell(number, row):
        ended.append((number, row["seed"], row["verdict"]))
        mark = tmp_path / "marks" / "2"
        if len(ended) == 3:
            worker, run = map(int, mark.read_text().split())
            runs.append(os.pidfd_open(run))
            os.kill(worker, signal.SIGKILL)

    runs: list[int] = []
    async with on_cluster(address, results, tmp_path) as (run, at_once):
        assert at_once == 4
        await go_on(results, {}, at_once, run, tell)
    assert sorted(seed for _, seed, _ in ended) == [1, 2, 3, 4, 5, 6]
    assert {verdict for _, _, verdict in ended} == {"held"}
    assert len((results.folder / "results.jsonl").read_text().splitlines()) == 6
    (fd,) = runs
    assert select.select([fd], [], [], 10)[0], "the run of the dead worker has ended"
    os.close(fd)
    kept = list((results.folder / "cells").rglob("journal.jsonl"))
    assert [path.read_text() for path in kept] == ["the journal"]


def left(folder):
    """What workers have of campaigns, in folders of their own."""
    return [*(folder / "marks").rglob("sim-campaign-*")]


async def test_what_is_cancelled_ends_its_runs_and_leaves_nothing(start, results, tmp_path):
    address = start()
    mark = tmp_path / "marks" / "2"
    only = [cell for cell in cells(results.about.campaign) if cell.seed == 2]
    async with on_cluster(address, results, tmp_path) as (run, _):
        task = asyncio.create_task(run(only[0]))
        while not (mark.exists() and mark.read_text()):
            await Clock().sleep(0.01)
        task.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text().split()[1]), 0)
    assert left(tmp_path) == []


async def test_a_cluster_without_worlds_is_told_with_the_remedy(start, results, tmp_path):
    with pytest.raises(EnvironmentLacksError, match="--resources"):
        async with on_cluster(start("other=1"), results, tmp_path):
            pass
