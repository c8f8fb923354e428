"""`sim hunt` over a broken variant of the reference gateway, and over the sound one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sim.cli import cli
from sim.scenario.load_scenario import load_scenario

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime, pytest.mark.long]

TOPOLOGIES = Path(__file__).parents[2] / "topologies"


@pytest.fixture
def files(tmp_path):
    """A scenario of two regions with quick clocks, and a gateway with these arguments."""

    def files(*arguments: str, **changes: object) -> Path:
        topology = yaml.safe_load((TOPOLOGIES / "outages" / "two-regions.yaml").read_text())
        topology["gateway"]["command"] += arguments
        topology["gateway"]["checks"][0] |= {"interval": "2s", "timeout": "1s"}
        topology["routing"]["ttl"] = "2s"
        topology.pop("policies", None)  # a failover breaks residency: another finding
        (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology))
        load = {"driver": "session", "clients": 4, "every": "1s", "timeout": "3s"}
        scenario = {"topology": "topology.yaml", "load": load, "duration": "40s", **changes}
        path: Path = tmp_path / "scenario.yaml"
        path.write_text(yaml.safe_dump(scenario))
        return path

    return files


def test_a_gateway_that_forgets_is_found_with_a_test_that_fails_until_it_is_mended(files):
    scenario = files("--sessions", "memory")
    out = scenario.parent / "found"
    asked = ["hunt", str(scenario), "--budget", "45s", "--jobs", "2", "--seed", "1"]
    asked += ["--faults", "crash", "--out", str(out)]
    ran = CliRunner().invoke(cli, asked, standalone_mode=False)
    assert ran.return_value == 1, ran.output
    (folder,) = out.glob("*-forgotten-after-crash")
    assert len(load_scenario(folder / "scenario.yaml").timeline) == 3  # crash, start, heal
    story = (folder / "story.md").read_text()
    assert "this state lived on the machine that is gone" in story
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    broken = subprocess.run(test, capture_output=True, text=True, check=False)
    assert broken.returncode == 1, broken.stdout
    files()
    mended = subprocess.run(test, capture_output=True, text=True, check=False)
    assert mended.returncode == 0, mended.stdout
