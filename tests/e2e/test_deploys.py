"""The deploys that come along run, and end with the verdict that their files promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOYS = Path(__file__).parents[2] / "topologies" / "deploys"
NAMES = sorted(path.stem for path in DEPLOYS.glob("*.yaml"))

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]


@pytest.mark.parametrize("name", NAMES)
def test_a_deploy_ends_as_its_file_says(name, tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "sim", "run", str(DEPLOYS / f"{name}.yaml")]
    command += ["--speed", "6", "--seed", "3", "--json", str(report)]
    environment = {**os.environ, "SIM_HOME": str(tmp_path), "COLUMNS": "120"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (deploy,) = json.loads(report.read_text())["deploys"]
    assert f" {deploy['dropped']} " in done.stdout  # the report says how many it dropped
    assert list((tmp_path / "worlds").glob("*")) == []
