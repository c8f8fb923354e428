"""Services as containers, and a database that speaks TLS to containers."""

from __future__ import annotations

import pytest
import yaml

from tests.docker.boxed import TOPOLOGY, Boxed
from tests.docker.private_engine import GATEWAY

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

SERVICES = {
    "database": {"kind": "postgres", "region": "iad", "sslmode": "verify-full"},
    "twin": {"image": GATEWAY, "port": 8080, "env": "TWIN_URL=http://$HOST:$PORT/healthz"},
}
ASK = "import os, urllib.request as r; print(r.urlopen(os.environ['TWIN_URL'], timeout=9).status)"


@pytest.fixture
def world(sim, engine, tmp_path):
    """A world of containers with a service of the gateway's own image."""
    sim.environment["DOCKER_HOST"] = engine
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump({**TOPOLOGY, "services": SERVICES}, sort_keys=False))
    done = sim("up", path, "--runtime", "docker", "--detach", "--seed", "7")
    assert done.returncode == 0, done.stderr
    up = Boxed(sim, engine)
    yield up
    assert sim("down").returncode == 0
    assert up.left_in_the_engine() == ""


def test_a_container_serves_every_region_by_its_own_link_and_is_started_again(world):
    # That machines have come up says that they reach the database with sslmode=verify-full.
    (told,) = world.sim.json("status")
    assert [(one["service"], one["state"]) for one in told["services"]] == [
        ("database", "started"),
        ("twin", "started"),
    ]
    ask = ("exec", world.container(), "python", "-c", ASK)
    assert world.docker(*ask) == "200"
    assert "listening in iad" in world.sim("logs", "--region", "iad").stdout
    done = world.sim("fault", "service_outage", "--service", "twin")
    assert done.returncode == 0, done.stderr
    refused = world.docker("exec", world.container(), "sh", "-c", f'python -c "{ASK}" 2>&1 || true')
    assert "Connection refused" in refused
    assert world.sim("heal").returncode == 0

    world.docker("kill", f"sim-{world.world}-iad-twin")
    assert "has ended" in world.wait_for("part_failed", part="twin")["reason"]
    world.wait_for("part_restarted", part="twin")
    assert world.docker(*ask) == "200"
