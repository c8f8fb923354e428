"""A world beside busy processes: what no fault touches is held or unknown, never failed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.realtime, pytest.mark.thorough]

# They end by themselves, too: with their parent, and after two minutes.
BUSY = """
import os, time
end, parent = time.monotonic() + 120, os.getppid()
while time.monotonic() < end and os.getppid() == parent:
    sum(range(10000))
"""


@pytest.fixture
def busy():
    """Four processes that want a processor all the time."""
    started = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(4)]
    yield
    for process in started:
        process.kill()
        process.wait()


def test_busy_processes_fail_nobody(sim, topologies, tmp_path, busy):
    report = tmp_path / "report.json"
    scenario = topologies / "frankfurt-crash.yaml"
    sim("run", scenario, "--speed", "10", "--json", report, timeout=150)
    found = json.loads(report.read_text())
    assert found["verdict"] in ("held", "unknown")
    asked = [row for row in found["expectations"] if row["check"] == "outage"]
    assert all(row["held"] is not False for row in asked)
    assert found["noise"]["waited_real_s"]["sim"] > 0.1


@pytest.mark.parametrize("speed", ["5", "20"])
def test_what_an_ocean_to_the_database_takes_is_ordinary(sim, topologies, tmp_path, speed):
    """Acknowledgements come in batches there, four turns of a client apart."""
    report = tmp_path / "report.json"
    scenario = topologies / "pacific-undisturbed.yaml"
    done = sim("run", scenario, "--speed", speed, "--seed", "7", "--json", report, timeout=150)
    assert done.returncode == 0, done.stdout
    found = json.loads(report.read_text())
    assert found["alerts"] == found["outages"] == []
    assert found["messages"]["acked"] > 2000
