"""docker-compose.yml: from nothing to a held verdict of the demo, and nothing is left.

A user's own compose file too. With each version of Compose that people have.
"""

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


@pytest.fixture(scope="module")
def second_version():
    """Compose v2: the one that is installed, else one that Go makes."""
    plugin = Path("/usr/libexec/docker/cli-plugins/docker-compose")
    if plugin.exists():
        return str(plugin)
    install = ["sh", str(ROOT / "tests/docker/install_compose.sh")]
    built = subprocess.run(install, check=False, capture_output=True, text=True)
    if built.returncode:
        pytest.skip(built.stderr.strip().splitlines()[-1])
    return built.stdout.strip()


@pytest.fixture(params=["1", "2"])
def program(request):
    """Compose: version 1.29, which Debian has, and version 2, which everybody has."""
    if request.param == "2":
        return request.getfixturevalue("second_version")
    found = shutil.which("docker-compose")
    if not found:
        pytest.skip("no docker-compose (apt-get install docker-compose)")
    return found


@pytest.fixture
def compose(engine, program):
    """Compose on a compose file, the repository's own at first, with images made here."""
    if not (shutil.which("go") or os.environ.get("SIM_TOXIPROXY")):
        pytest.skip("no Go to build the stock toxiproxy-server with")
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")},
        **make_compose_images(),
        "DOCKER_HOST": engine,
        "DOCKER_SOCKET": engine.removeprefix("unix://"),
    }

    def compose(*arguments, folder=ROOT, **variables):
        return subprocess.run(
            [program, "-p", "sim-test-compose", *arguments],
            cwd=folder,
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


def test_a_compose_file_of_ones_own_has_the_simulator_as_a_service(compose, engine, free_port):
    assert (built := compose("build", "simulator")).returncode == 0, built.stdout + built.stderr
    own = {"folder": ROOT / "topologies" / "compose", "GATEWAY_PORT": str(free_port)}
    assert (built := compose("build", "gateway", **own)).returncode == 0, (
        built.stdout + built.stderr
    )
    up = compose("up", "-d", "gateway", **own)
    assert up.returncode == 0, up.stdout + up.stderr
    done = compose("run", "--rm", "-T", "simulator", **own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: held" in done.stdout
    # What Compose started is what it sees, before and after.
    assert opened(f"http://127.0.0.1:{free_port}/") == "nowhere\n"
    command = ["docker", "-H", engine, "ps", "-aq", "--filter", "label=sim.world"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == ""
