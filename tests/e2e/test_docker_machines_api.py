"""The Machines API over containers: what it looks into, and what a new version of one is."""

from __future__ import annotations

import json
import urllib.request

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


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
