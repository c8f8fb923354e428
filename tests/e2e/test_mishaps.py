"""What nobody asked for, in a whole world: a gateway that dies, a driver with a mistake."""

from __future__ import annotations

import json

import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

GATEWAY = """\
import asyncio, os, sys
from aiohttp import web

async def index(request):
    if request.path == "/die":
        print("the disk is full", flush=True)
        os._exit(3)
    return web.Response(text="hello")

app = web.Application()
app.router.add_get("/{path:.*}", index)
web.run_app(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), print=None)
"""
DRIVER = """\
class Careless:
    async def run(self, client):
        async for turn in client.pace():
            client.send(client.name, turn)
            async with client.http.get("/hello") as answer:
                client.acked(client.name, turn, answer.headers)
"""


@pytest.fixture
def run(sim, tmp_path):
    """A run of a driver for six seconds, that expects few errors: the command's end, the report."""
    (tmp_path / "gateway.py").write_text(GATEWAY)
    (tmp_path / "careless.py").write_text(DRIVER)
    topology = {
        "app": "mine",
        "gateway": {
            "command": ["python", "gateway.py"],
            "checks": [{"type": "http", "path": "/", "interval": "3s", "timeout": "1s"}],
        },
        "regions": {"fra": {"primary": True}},
        "locations": {"london": {}},
        "links": [{"between": ["london", "fra"], "rtt": "10ms"}],
    }
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology))

    def go(driver):
        scenario = {
            "topology": "topology.yaml",
            "load": {"driver": driver, "clients": 2, "every": "1s"},
            "duration": "6s",
            "expect": [{"check": "errors", "max": "100%"}],
        }
        (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario))
        report = tmp_path / "report.json"
        done = sim("run", "scenario.yaml", "--speed", "3", "--json", report, cwd=tmp_path)
        return done, json.loads(report.read_text())

    return go


def test_a_gateway_that_dies_by_itself_fails_the_run_and_says_why(run):
    done, report = run({"http": "/die"})
    assert done.returncode == 1, done.stderr
    (death,) = report["deaths"]
    assert (death["region"], death["exit"]) == ("fra", "exited with code 3")
    assert death["last_lines"][-1] == "the disk is full"
    assert "died: exited with code 3; it said: the disk is full" in done.stderr
    assert "FAILED  machines: 0 deaths" in done.stdout


def test_a_drivers_mistake_is_told_at_once_with_its_line_and_the_right_way(run):
    done, report = run("careless:Careless")
    assert done.returncode == 4, done.stderr
    (error,) = report["driver_errors"]
    assert (error["file"], error["line"]) == ("careless.py", 5)
    assert error["count"] > 2
    assert 'client.http.get(client.url("/hello"))' in done.stderr
    assert f"the driver raised {error['count']} times (careless.py:5)" in " ".join(report["doubts"])
