"""docker-compose.yml: from nothing to a held verdict of the demo, and nothing is left."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.docker.boxed import looks
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

    def compose(*arguments, **variables):
        return subprocess.run(
            [program, "-p", "sim-test-compose", *arguments],
            cwd=ROOT,
            env=environment | variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=280,
        )

    yield compose
    compose("down", "-v", "--remove-orphans")


@pytest.fixture
def free_port():
    """A port of this host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def opened(url):
    """What a browser gets at an address: the page's text, or the code it is refused with."""
    jar = urllib.request.HTTPCookieProcessor()
    try:
        with urllib.request.build_opener(jar).open(url, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_live_page_is_published_and_opens_by_its_key_alone(compose, free_port):
    command = "up topologies/atlas-voice.yaml --runtime docker"
    built = compose("build", "simulator", "gateway")
    assert built.returncode == 0, built.stdout + built.stderr
    done = compose("up", "--no-color", "-d", SIM_PORT=str(free_port), SIM_COMMAND=command)
    assert done.returncode == 0, done.stdout + done.stderr
    look = ("exec", "-T", "simulator", "python", "-m", "sim", "page")
    found = next(
        (asked for _ in looks(60) if (asked := compose(*look)).returncode == 0), compose("logs")
    )
    key = found.stdout.strip().rpartition("key=")[2]
    page = f"http://127.0.0.1:{free_port}/"
    assert opened(page) == 401
    assert "<html" in opened(f"{page}?key={key}"), found.stdout
    assert opened(f"{page}?key={key}") == 401
    assert compose("stop", "-t", "30", "simulator").returncode == 0


def test_compose_up_comes_to_a_held_verdict(compose, engine):
    built = compose("build", "simulator", "gateway")
    assert built.returncode == 0, built.stdout + built.stderr
    done = compose("up", "--no-color", "--exit-code-from", "simulator")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "docker runtime, toxiproxy links" in done.stdout
    assert "verdict: held" in done.stdout
    command = ["docker", "-H", engine, "ps", "-aq", "--filter", "label=sim.world"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == ""
