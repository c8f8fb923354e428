"""Links carried by a stock Toxiproxy that is a container of the world's own."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.docker.private_engine import make_image_of

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

OFFICIAL = "example.test/shopify/toxiproxy:2.12.0"


@pytest.fixture(scope="module")
def toxiproxy(engine):
    """The image of a stock server."""
    if not shutil.which("go"):
        pytest.skip("no Go to build the stock toxiproxy-server with")
    return make_image_of("toxiproxy")


def test_it_is_started_watched_and_started_again(sim, boxed, toxiproxy):
    sim.environment["SIM_TOXIPROXY"] = f"docker:{toxiproxy}"
    world = boxed()
    (running,) = world.docker("ps", "-q", "--filter", f"name=sim-{world.world}-links").split()
    (journaled,) = world.events("run_started")
    assert journaled["links"] == "toxiproxy"
    assert {link["state"] for link in world.sim.json("links")} == {"up"}

    world.docker("kill", running)
    why = world.wait_for("part_failed", part="link server")["reason"]
    assert f"sim-{world.world}-links ended; the last it printed" in why
    world.wait_for("part_restarted", part="link server")
    done = world.sim("fault", "slow", "--link", "london", "fra", "--set", "latency=100ms")
    assert done.returncode == 0, done.stderr
    rtts = {link["link"]: link["rtt_ms"] for link in world.sim.json("links")}
    assert rtts["london:fra"] > 100
    assert world.docker("ps", "-aq", "--filter", f"name=sim-{world.world}-links").count("\n") == 0


def test_the_engines_own_image_is_taken_where_there_is_no_other(sim, boxed, toxiproxy, engine):
    docker = ("docker", "-H", engine)
    subprocess.run([*docker, "tag", toxiproxy, OFFICIAL], check=True)
    try:
        path = sim.environment["PATH"].split(":")
        kept = [folder for folder in path if not shutil.which("toxiproxy-server", path=folder)]
        sim.environment["PATH"] = ":".join(kept)
        world = boxed()
        links = world.docker(
            "ps", "--filter", f"name=sim-{world.world}-links", "--format", "{{.Image}}"
        )
        assert links == OFFICIAL
        rows = {row["what"]: row["found"] for row in sim.json("doctor")}
        assert rows["link server"].endswith(f"with --runtime docker, a container of {OFFICIAL}")
    finally:
        subprocess.run([*docker, "rmi", OFFICIAL], check=True, capture_output=True)


def test_a_missing_image_is_told_with_the_remedy(sim, engine, topologies):
    sim.environment |= {"DOCKER_HOST": engine, "SIM_TOXIPROXY": "docker:sim-test/none:local"}
    done = sim("up", topologies / "atlas-voice.yaml")
    assert done.returncode == 3
    assert "no image 'sim-test/none:local' for the links" in done.stderr
    assert "docker pull" in done.stderr
