"""docker-compose.yml: from nothing to a held verdict of the demo, and nothing is left."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docker.private_engine import make_compose_images

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def compose(engine):
    """docker-compose on the repository's own file, with images made here."""
    program = shutil.which("docker-compose")
    if not program:
        pytest.skip("no docker-compose (apt-get install docker-compose)")
    if not (shutil.which("go") or os.environ.get("SIM_TOXIPROXY")):
        pytest.skip("no Go to build the stock toxiproxy-server with")
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")},
        **make_compose_images(),
        "DOCKER_HOST": engine,
        "DOCKER_SOCKET": engine.removeprefix("unix://"),
    }

    def compose(*arguments):
        return subprocess.run(
            [program, "-p", "sim-test-compose", *arguments],
            cwd=ROOT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=280,
        )

    yield compose
    compose("down", "-v", "--remove-orphans")


def test_compose_up_comes_to_a_held_verdict(compose, engine):
    built = compose("build", "simulator", "gateway")
    assert built.returncode == 0, built.stdout + built.stderr
    done = compose("up", "--no-color", "--exit-code-from", "simulator")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "docker runtime, toxiproxy links" in done.stdout
    assert "verdict: held" in done.stdout
    command = ["docker", "-H", engine, "ps", "-aq", "--filter", "label=sim.world"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == ""
