"""Every outage of the library runs, and ends with the verdict that its file promises.

They run side by side, each in a process and a world of its own; a test waits for its own. Which
expectations no gateway can keep is said in the files, and here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]

OUTAGES = Path(__file__).parents[2] / "topologies" / "outages"
SPEED, SEED, SIDE_BY_SIDE = "6", "7", 4

# What no gateway can keep: the check that fails, by its name and, of outages, whose it is.
BEYOND_A_GATEWAY = {
    "grey-slow-region": [("latency", "london", None)],
    "stale-dns": [("outage", "london", None)],
    "region-at-the-limit": [("outage", "london", None)],
    "long-tail": [("outage", "london", "pinned")],
}
NAMES = sorted(path.stem for path in OUTAGES.glob("*.yaml") if "timeline:" in path.read_text())


class Library:
    """The outages that were asked for, running side by side."""

    def __init__(self, names, home):
        self._home = home
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE)
        self._running = {name: self._pool.submit(self._run, name) for name in sorted(names)}

    def _run(self, name):
        home, report = self._home / name, self._home / f"{name}.json"
        command = [sys.executable, "-m", "sim", "run", str(OUTAGES / f"{name}.yaml")]
        command += ["--speed", SPEED, "--seed", SEED, "--json", str(report)]
        environment = {**os.environ, "SIM_HOME": str(home), "COLUMNS": "120"}
        environment.pop("SIM_TOXIPROXY", None)
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=150
        )
        left = list((home / "worlds").glob("*"))
        return done, json.loads(report.read_text()) if report.exists() else None, left

    def result(self, name):
        """The end of one: the process, its report, and the folders that it left."""
        return self._running[name].result()

    def close(self):
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def library(request):
    """All outages of the tests that were selected."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    names = {
        item.callspec.params["name"]
        for item in request.session.items
        if "library" in getattr(item, "fixturenames", ())
    }
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as home:
        running = Library(names, Path(home))
        yield running
        running.close()


@pytest.mark.parametrize("name", NAMES)
def test_an_outage_ends_as_its_file_says(library, name):
    done, report, left = library.result(name)
    assert report is not None, done.stdout + done.stderr
    assert report["doubts"] == []
    beyond = BEYOND_A_GATEWAY.get(name, [])
    broken = [
        (row["check"], row.get("location"), row.get("resolver"))
        for row in report["expectations"]
        if row["held"] is not True
    ]
    assert broken == beyond, done.stdout
    assert done.returncode == (1 if beyond else 0)
    assert left == []


def test_the_library_has_what_it_promises():
    """And a file that says so fails, whatever its name."""
    assert len(NAMES) >= 14
    assert set(BEYOND_A_GATEWAY) <= set(NAMES)
    for name in NAMES:
        comment = (OUTAGES / f"{name}.yaml").read_text().partition("\nname:")[0]
        assert ("this run FAILS" in " ".join(comment.split("\n# "))) == (name in BEYOND_A_GATEWAY)
        assert "good gateway" in comment.replace("\n# ", " "), name
