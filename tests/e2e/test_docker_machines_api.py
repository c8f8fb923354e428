"""The Machines API over containers: what it looks into, and what a new version of one is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest

from tests.docker.boxed import looks
from tests.docker.private_engine import GATEWAY

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

# The image's entrypoint is the gateway, to which a release command is arguments.
MIGRATING = """
app = "boxed"
[deploy]
release_command = "--help"
[http_service]
internal_port = 8080
"""
FLYCTL = os.environ.get("SIM_FLYCTL") or shutil.which("flyctl")


class Asking:
    """A client of a boxed world's Machines API."""

    def __init__(self, world):
        self._variables = world.sim.json("flyctl-env")

    def __call__(self, method, path="", body=None):
        given = self._variables
        url = f"{given['FLY_FLAPS_BASE_URL']}/v1/apps/{given['FLY_APP']}/machines{path}"
        data = None if body is None else json.dumps(body).encode()
        token = {"Authorization": f"Bearer {given['FLY_API_TOKEN']}"}
        request = urllib.request.Request(url, data, token, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310
            return json.load(answer)


def test_a_container_is_looked_into_suspended_and_made_another_version(boxed):
    world = boxed()
    ask = Asking(world)
    (machine,) = ask("GET", "?region=fra")
    path, name = f"/{machine['id']}", world.container()

    ran = ask("POST", f"{path}/exec", {"cmd": "sh -c 'echo $FLY_REGION $FLY_PRIVATE_IP; exit 3'"})
    assert (ran["exit_code"], ran["stdout"]) == (3, f"fra {machine['private_ip']}\n")
    assert any("python" in row["command"] for row in ask("GET", f"{path}/ps"))

    state = ("inspect", "-f", "{{.State.Status}}", name)
    ask("POST", f"{path}/suspend")
    assert ask("GET", f"{path}/wait?state=suspended")["ok"]
    assert world.docker(*state) == "paused"
    ask("POST", f"{path}/start")
    assert ask("GET", f"{path}/wait?state=started")["ok"]
    assert world.docker(*state) == "running"

    config = {**machine["config"], "env": {**machine["config"]["env"], "COLOUR": "green"}}
    updated = ask("POST", path, {"config": config})
    assert ask("GET", f"{path}/wait?version={updated['instance_id']}")["ok"]
    ran = ask(
        "POST", f"{path}/exec", {"command": ["sh", "-c", "echo $COLOUR $FLY_MACHINE_VERSION"]}
    )
    assert ran["stdout"] == f"green {updated['instance_id']}\n"
    by_others = [e for e in world.events("machine_changed") if "somebody" in e["reason"]]
    assert by_others == world.events("part_failed") == []


@pytest.mark.skipif(not FLYCTL, reason="no flyctl: name one in SIM_FLYCTL, or put it on the PATH")
def test_the_real_flyctl_takes_the_walk_over_containers(boxed, tmp_path):
    world = boxed()
    world.docker("tag", GATEWAY, "sim-test/gateway:next")
    shell = {**os.environ, **world.sim.json("flyctl-env"), "HOME": str(tmp_path), "NO_COLOR": "1"}
    shell.pop("FLY_REGION", None)

    def flyctl(*asked, fails=False):
        command = [str(FLYCTL), *asked]
        done = subprocess.run(
            command, env=shell, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, (asked, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def become(*expected):
        """Where machines are once a container that was removed is gone."""
        for _ in looks(10.0):
            found = sorted(machine["region"] for machine in world.sim.json("machine", "list"))
            if found == [*expected]:
                return
        raise AssertionError(found)

    assert "boxed.fly.dev" in flyctl("status")
    assert "boxed" in flyctl("apps", "list")
    assert "listening in" in flyctl("logs", "--no-tail")
    flyctl("secrets", "set", "API_KEY=abc12345", "--stage")
    (tmp_path / "fly.toml").write_text(MIGRATING)
    said = flyctl("deploy", "--image", "sim-test/gateway:next", "--dns-checks=false", "-y")
    assert re.search(r"release_command \w+ completed successfully", said)
    become("fra", "iad")  # the release command's machine is gone with its end
    images = {machine["image"] for machine in world.sim.json("machine", "list")}
    assert images == {"sim-test/gateway:next"}
    none = ("deploy", "--image", "sim-test/gateway:none", "--dns-checks=false", "-y")
    assert "could not find image" in flyctl(*none, fails=True)
    assert [event["outcome"] for event in world.events("deploy_ended")] == ["done"]
    iad = next(m["id"] for m in world.sim.json("machine", "list") if m["region"] == "iad")
    flyctl("machine", "clone", iad, "--region", "fra")
    become("fra", "fra", "iad")
    flyctl("scale", "count", "1", "--region", "fra", "-y")
    become("fra", "iad")
    flyctl("machine", "destroy", iad, "--force")
    become("fra")
