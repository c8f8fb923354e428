"""Clients of Fly's Machines API that nobody wrote for this simulator, in a world as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.docker.boxed import looks

pytestmark = pytest.mark.e2e

WALK = Path(__file__).parent / "fly_admin"


@pytest.fixture
def world(sim, topologies):
    """The environment of a shell in which a world is up and `sim flyctl-env` was evaluated."""
    assert sim("up", topologies / "atlas-voice.yaml", "--detach").returncode == 0
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    script = f"""eval "$({sys.executable} -m sim flyctl-env)"; {sys.executable} -c '{program}'"""
    environment = {**sim.environment, "FLY_REGION": "syd"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_the_environment_points_at_the_world(sim, world):
    assert "FLY_REGION" not in world  # flyctl would filter by it
    assert world["FLY_APP"] == "atlas-voice-v2"
    shown = sim.json("flyctl-env")
    assert shown == {name: world[name] for name in shown}
    assert [machine["state"] for machine in ask(world, "GET")] == ["started", "started"]

    # A cordon and a suspension lead clients elsewhere at once.
    (machine,) = ask(world, "GET", "?region=fra")
    for verbs in (("cordon", "uncordon"), ("suspend", "start")):
        for verb, region in zip(verbs, ("iad", "fra"), strict=True):
            ask(world, "POST", f"/{machine['id']}/{verb}")
            settled = ask(world, "GET", f"/{machine['id']}/wait?state=settled")
            assert settled["ok"]
            for _ in looks(10.0):  # what woke is led to once its check passes again
                if led_to(sim, "london") == region:
                    break
            assert led_to(sim, "london") == region, verb


def ask(world, method, path=""):
    """What the world's Machines API answers."""
    url = f"{world['FLY_FLAPS_BASE_URL']}/v1/apps/{world['FLY_APP']}/machines{path}"
    token = {"Authorization": f"Bearer {world['FLY_API_TOKEN']}"}
    request = urllib.request.Request(url, headers=token, method=method)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


def led_to(sim, location):
    (status,) = sim.json("status")
    (row,) = [row for row in status["locations"] if row["location"] == location]
    return row["led_to"][0]


FLYCTL = os.environ.get("SIM_FLYCTL") or shutil.which("flyctl")


needs_flyctl = pytest.mark.skipif(
    not FLYCTL, reason="no flyctl: name one in SIM_FLYCTL, or put it on the PATH"
)


@pytest.fixture
def flyctl(world, tmp_path):
    """The real flyctl, in a home of its own: called with arguments, it returns what it says."""

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [str(FLYCTL), *arguments],
            env={**world, "HOME": str(tmp_path), "NO_COLOR": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    return call


@needs_flyctl
@pytest.mark.thorough
def test_the_real_flyctl_takes_the_whole_walk(world, flyctl):
    assert "atlas-voice-v2.fly.dev" in flyctl("status")
    assert "deployed" in flyctl("apps", "list")
    assert "listening in iad" in flyctl("logs", "--no-tail")
    iad, _ = sorted(ask(world, "GET"), key=lambda machine: machine["region"] == "fra")
    flyctl("machine", "clone", iad["id"], "--region", "fra")
    flyctl("scale", "count", "1", "--region", "fra", "-y")
    flyctl("secrets", "set", "API_KEY=abc12345")
    flyctl("secrets", "set", "LATER=1", "--stage")
    listed = json.loads(flyctl("secrets", "list", "--json"))
    assert {secret["name"]: secret["status"] for secret in listed} == {
        "API_KEY": "Deployed",
        "LATER": "Staged",
    }
    flyctl("secrets", "unset", "API_KEY", "LATER", "--stage")
    releases = flyctl("releases").splitlines()
    assert [line.split()[0] for line in releases if " complete " in line] == ["v2", "v1"]
    flyctl("machine", "stop", iad["id"])
    flyctl("machine", "destroy", iad["id"], "--force")
    assert [machine["region"] for machine in ask(world, "GET")] == ["fra"]


@needs_flyctl
@pytest.mark.thorough
@pytest.mark.parametrize("strategy", ["rolling", "immediate", "canary", "bluegreen"])
def test_the_real_flyctl_deploys(sim, flyctl, strategy):
    image = ("--image", "atlas-voice-v2:2", "--strategy", strategy)
    flyctl("deploy", *image, "--dns-checks=false", "-y")
    assert {machine["image"] for machine in sim.json("machine", "list")} == {"atlas-voice-v2:2"}
    assert "v2" in flyctl("releases")


MIGRATING = """
app = "atlas-voice-v2"
[deploy]
release_command = "echo migrating"
strategy = "immediate"
[http_service]
internal_port = 8080
"""


@needs_flyctl
@pytest.mark.thorough
def test_the_real_flyctl_runs_a_release_command_first(sim, flyctl, tmp_path):
    deploy = ("deploy", "--image", "atlas-voice-v2:2", "--dns-checks=false", "-y")
    (tmp_path / "fly.toml").write_text(MIGRATING)
    flyctl(*deploy)
    (tmp_path / "fly.toml").write_text(MIGRATING.replace("echo migrating", "false"))
    with pytest.raises(AssertionError, match="exited with non-zero status of 1"):
        flyctl(*deploy)
    machines = sim.json("machine", "list")
    assert [(m["region"], m["state"]) for m in machines] == [("iad", "started"), ("fra", "started")]
    releases = json.loads(flyctl("releases", "--json"))
    assert [release.get("Status", release.get("status")) for release in releases][:2] == [
        "failed",
        "complete",
    ]


@pytest.mark.thorough
def test_fly_admin_takes_the_machines_for_a_walk(world, tmp_path):
    """Supabase's client, from its registry and unmodified."""
    if not shutil.which("npm"):
        pytest.skip("no npm to install `fly-admin` with (apt-get install nodejs npm)")
    folder = tmp_path / "walk"
    shutil.copytree(WALK, folder)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, cwd=folder, check=True, timeout=120, env=dict(os.environ))
    node = ["node", "walk.js"]
    done = subprocess.run(
        node, cwd=folder, env=world, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [app["name"] for app in said["apps"]["apps"]] == ["atlas-voice-v2"]
    assert said["app"]["organization"]["slug"] == said["organization"]["organization"]["slug"]
    assert [r["code"] for r in said["regions"]["platform"]["regions"]] == ["iad", "fra"]
    assert [m["region"] for m in said["machines"]] == ["iad"]
    assert said["started"]["ok"]
    assert said["updated"]["ok"]
    assert said["stopped"]["ok"]
    assert said["held"]["data"]["description"] == "a walk"
    assert said["leased"].startswith("409: ")
    assert said["cordoned"]["cordoned"]
    assert "sim.gateway" in said["processes"][0]["command"]
    assert said["versions"][0]["user_config"]["env"]["VERSION"] == "2"
    assert "it is stopped" in said["stopped_twice"]
    assert said["events"][0]["request"]["exit_event"]["guest_signal"] == 9
    assert said["destroyed"] == {"ok": True}
    assert said["volumes"] == []
    assert said["unknown"].startswith("404: ")
    assert [(m["region"], m["state"]) for m in said["left"]] == [
        ("iad", "started"),
        ("fra", "started"),
    ]
