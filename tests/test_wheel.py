"""What an installed wheel has: all that a first command needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The files of a wheel that was built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), "."]
    subprocess.run(build, cwd=ROOT, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.thorough
@pytest.mark.e2e
@pytest.mark.realtime
def test_the_demo_runs_from_a_wheel(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "SIM_HOME": str(tmp_path / "home")}
    environment.pop("SIM_TOXIPROXY", None)
    done = subprocess.run(
        [sys.executable, "-m", "sim", "demo", "--seed", "7"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: held"


@pytest.mark.thorough
def test_it_has_every_topology_and_scenario_of_the_checkout(installed):
    listed = ["git", "ls-files", "topologies"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in files.split():
        assert (installed / "sim" / name).is_file(), name
