"""A Node.js gateway that nobody wrote for this simulator is taken through a failover."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docker.private_engine import BASE

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]

SOURCE = Path(__file__).parent / "node_gateway"
SPEED = 5
TOPOLOGY: dict[str, Any] = {
    "app": "scores",
    "gateway": {
        "command": ["node", "server.js"],
        "build": {"context": ".", "args": {"BASE_IMAGE": BASE}},
        "port": 3000,
        "checks": [{"type": "http", "path": "/up", "interval": "5s", "timeout": "2s"}],
    },
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {"share": 50}, "london": {"share": 50}},
    "routing": {"ttl": "5s"},
}
SCENARIO: dict[str, Any] = {
    "name": "the score board loses Frankfurt",
    "topology": "topology.yaml",
    "load": {"driver": "scores:Player", "clients": 10, "every": "500ms"},
    "timeline": [{"at": "6s", "fault": "crash", "region": "fra"}],
    "duration": "30s",
    "expect": [
        {"check": "served_by", "location": "london", "region": "fra", "until": "6s"},
        {"check": "served_by", "location": "london", "region": "iad", "from": "27s"},
        {"check": "outage", "location": "london", "min": "1s", "max": "22s"},
        {"check": "outage", "location": "new-york", "max": "0s"},
    ],
}


@pytest.fixture(scope="session")
def scores(tmp_path_factory):
    """The gateway's folder, with what npm installs into it."""
    if not shutil.which("npm"):
        pytest.skip("no npm to install `ws` with (apt-get install nodejs npm)")
    folder = tmp_path_factory.mktemp("scores") / "gateway"
    shutil.copytree(SOURCE, folder)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, cwd=folder, check=True, timeout=120)
    (folder / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY, sort_keys=False))
    (folder / "scenario.yaml").write_text(yaml.safe_dump(SCENARIO, sort_keys=False))
    return folder


@pytest.mark.parametrize("runtime", ["process", "docker"])
def test_a_gateway_in_another_language_fails_over(request, sim, scores, tmp_path, runtime):
    if runtime == "docker":
        sim.environment["DOCKER_HOST"] = request.getfixturevalue("engine")
    report = tmp_path / "report.json"
    options = ("--runtime", runtime, "--json", report, "--speed", SPEED, "--seed", "7")
    done = sim("run", "scenario.yaml", *options, cwd=scores)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert found["messages"]["acked"] > 300
    (outage,) = found["outages"]
    assert (outage["location"], outage["region"], outage["to_region"]) == ("london", "fra", "iad")


def test_its_driver_is_short():
    assert len((SOURCE / "scores.py").read_text().splitlines()) < 40
