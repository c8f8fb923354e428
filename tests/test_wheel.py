"""Wheel and sdist in environments with nothing else: all that a first command needs is in them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = """
import pytest

@pytest.mark.sim(topology="{topology}", speed=10)
def test_a_world(sim_world):
    assert sim_world.led_to("london")[0] == "fra"
"""

pytestmark = pytest.mark.thorough


def run(*command, folder=ROOT, **variables):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SIM_TOXIPROXY")}
    return subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and sdist of this checkout, by their kind."""
    folder = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "hatchling", "build", "-d", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def installed(request, built, tmp_path_factory):
    """Runs a program of an environment that has the package and pytest, and nothing else."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    done = run(programs / "pip", "install", "--quiet", built[request.param], "pytest")
    assert done.returncode == 0, done.stdout + done.stderr

    def installed(program, *arguments, folder):
        return run(programs / program, *arguments, folder=folder, SIM_HOME=str(folder / "home"))

    return installed


@pytest.mark.e2e
@pytest.mark.realtime
def test_the_demo_runs(installed, tmp_path):
    done = installed("sim", "demo", "--seed", "7", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: held"


def test_what_sim_init_writes_is_valid(installed, tmp_path):
    assert installed("sim", "init", folder=tmp_path).returncode == 0
    files = (tmp_path / "sim").glob("*.yaml")
    done = installed("sim", "validate", *files, folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.e2e
def test_the_pytest_plugin_has_a_world(installed, tmp_path):
    topology = ROOT / "topologies/outages/two-regions.yaml"
    (tmp_path / "test_mine.py").write_text(PLUGIN.format(topology=topology))
    done = installed("pytest", "-q", "test_mine.py", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_they_have_every_topology_and_scenario_of_the_checkout(built):
    listed = run("git", "ls-files", "topologies").stdout.split()
    with zipfile.ZipFile(built["wheel"]) as archive:
        assert {f"sim/{name}" for name in listed} <= {*archive.namelist()}
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*listed} <= names
