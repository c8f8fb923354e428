"""A host that misbehaves under a run: its disk fills up, its clock jumps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.test_scenarios import QUICK_CRASH, QUICK_TOPOLOGY, SPEED

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]


@pytest.fixture
def scenario(tmp_path):
    """Write a scenario and its topology; its path."""

    def write(topology=QUICK_TOPOLOGY, **changes):
        (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology, sort_keys=False))
        path = tmp_path / "scenario.yaml"
        path.write_text(yaml.safe_dump({**QUICK_CRASH, **changes}, sort_keys=False))
        return path

    return write


# --- a full disk -----------------------------------------------------------------------------


def test_a_disk_that_is_full_of_the_journal_leaves_the_verdict_unknown(sim, scenario, tmp_path):
    """A disk of 64 KiB of its own: the run goes on, says what it lacks, and is not green."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = (
        'mount -t tmpfs -o size=64k none "$1" || exit 77\n'
        '"$2" -m sim run "$3" --speed 8 --seed 7 --journal "$1/journal"\n'
        'code=$?; cp "$1/journal" "$1.journal"; exit $code\n'
    )
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    path = scenario(expect=[{"check": "messages", "lost": 0}])
    arguments = map(str, (disk, sys.executable, path))
    done = subprocess.run(
        ["unshare", *as_root, "--mount", "sh", "-c", command, "-", *arguments],
        env=sim.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(f"no tmpfs may be mounted here: {done.stderr}")
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: unknown"
    said = " ".join(done.stdout.split())
    assert "journal failed" in said
    assert "No space left on device" in said
    assert "Traceback" not in done.stderr

    kept = tmp_path / "disk.journal"
    assert kept.stat().st_size == 64 * 1024
    again = sim("report", kept)
    assert again.returncode == 4
    assert "cut off" in again.stdout


def test_a_report_that_cannot_be_written_costs_nobody_the_verdict(sim, scenario):
    path = scenario(duration="3s", timeline=[], expect=[{"check": "messages", "lost": 0}])
    done = sim("run", path, "--speed", SPEED, "--json", "/dev/full")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == "verdict: held"
    assert "/dev/full cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


# --- few descriptors -------------------------------------------------------------------------


def test_the_usual_limit_of_open_files_is_no_limit_to_sessions(sim, scenario):
    """Each session takes half a dozen descriptors; a shell's soft limit is for other programs."""
    load = {**QUICK_CRASH["load"], "clients": 60}
    expect = [{"check": "outage", "location": "new-york", "max": "0s"}]
    path = scenario(load=load, timeline=[], duration="6s", expect=expect)
    command = 'ulimit -Sn 128 && exec "$0" -m sim run "$1" --speed 4'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(path)],
        env=sim.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- a clock that jumps ----------------------------------------------------------------------


@pytest.fixture
def calendar(tmp_path):
    """An environment whose calendar can be set: by seconds in a file."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler to build the calendar with: apt install gcc")
    library, file = tmp_path / "jumping_calendar.so", tmp_path / "shift"
    source = Path(__file__).parent / "jumping_calendar.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "CALENDAR": str(file)}


def jump(calendar, days):
    """Let the calendar jump, to so many days from the truth, and see that it did."""
    file = Path(calendar["CALENDAR"])
    new = file.with_suffix(".new")
    new.write_text(str(days * 86400))
    new.replace(file)
    there, monotonic = clocks(calendar)
    here, true_monotonic = clocks({})
    assert there - here == pytest.approx(days * 86400, abs=60)
    assert monotonic == pytest.approx(true_monotonic, abs=60)


def clocks(environment):
    """The calendar and the monotonic clock, as a program in this environment sees them."""
    program = [sys.executable, "-c", "import time; print(time.time(), time.monotonic())"]
    said = subprocess.check_output(program, env={**os.environ, **environment}, text=True)
    calendar, monotonic = map(float, said.split())
    return calendar, monotonic


def test_nothing_rests_on_the_hosts_clock(sim, scenario, tmp_path, calendar):
    """The calendar jumps ten days ahead and then three weeks back, for us and for the gateway."""
    gateway = {**QUICK_TOPOLOGY["gateway"], "env": calendar}
    report, journal = tmp_path / "report.json", tmp_path / "journal.jsonl"
    process = sim.start(
        *("run", scenario({**QUICK_TOPOLOGY, "gateway": gateway}), "--speed", SPEED),
        *("--seed", "7", "--json", report, "--journal", journal),
        env=calendar,
    )
    jumps, told = 0, []
    for line in process.stderr:
        told.append(line)
        if "clients begin" in line:
            jump(calendar, 10)
            jumps += 1
        elif "check of fra: critical" in line:
            jump(calendar, -21)
            jumps += 1
    stdout, _ = process.communicate(timeout=60)
    assert jumps == 2, told
    assert process.returncode == 0, stdout
    times = [json.loads(line)["t"] for line in journal.read_text().splitlines()]
    assert times == sorted(times)
    assert times[-1] < 120
