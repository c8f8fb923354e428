"""Ten servers that nobody here wrote, each by its recipe: the verdict is known beforehand.

`SIM_GATEWAYS=$(sh tests/e2e/install_gateways.sh)` installs the servers. The worlds of speed 1 are
nearly idle and run side by side; those of speed 10 run one after the other.
"""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from tests.e2e.conftest import Sim

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "topologies" / "gateways"
SIDE_BY_SIDE = {1: 10, 10: 1}
STARTING = Lock()  # one world comes up at a time: its links are measured while it does
EXIT = {"held": 0, "failed": 1}


@dataclass(frozen=True)
class Known:
    """What is known before a run: the verdict, and which checks are not held."""

    program: str  # what has to be there
    fails: frozenset[str] = frozenset()

    @property
    def verdict(self) -> str:
        return "failed" if self.fails else "held"


FORGETS = frozenset({"messages"})
FORGETS_SESSIONS = frozenset({"messages", "sessions"})
GATEWAYS = {
    "uvicorn": Known("uvicorn"),
    "hypercorn": Known("hypercorn"),
    "daphne": Known("daphne", FORGETS),
    "socket.io": Known("socket.io/node_modules", FORGETS_SESSIONS),
    "y-websocket": Known("y-websocket/node_modules"),
    "mosquitto": Known("mosquitto", FORGETS_SESSIONS),
    "prosody": Known("prosody", frozenset({"sessions"})),
    "nchan": Known("nginx", FORGETS),
    "go-httpbin": Known("go-httpbin"),
    "websocketd": Known("websocketd"),
}


@pytest.fixture(scope="module")
def installed():
    """The folder that the servers are in."""
    folder = os.environ.get("SIM_GATEWAYS")
    if not folder:
        pytest.skip("no servers: say SIM_GATEWAYS=$(sh tests/e2e/install_gateways.sh)")
    return Path(folder)


@pytest.fixture(scope="module")
def runs(request, installed, tmp_path_factory):
    """The runs of the tests that were asked for, by server and speed; begun at the first need."""
    asked = [
        (item.callspec.params["server"], item.callspec.params["speed"])
        for item in request.session.items
        if item.path == request.path
    ]
    pools: list[ThreadPoolExecutor] = []
    futures: dict[tuple[str, int], Future[tuple[int, dict[str, Any], str]]] = {}

    def result(server, speed):
        if (server, speed) not in futures:
            pool = ThreadPoolExecutor(SIDE_BY_SIDE[speed])
            pools.append(pool)
            for name, at in asked:
                if at == speed and is_there(installed, GATEWAYS[name].program):
                    folder = tmp_path_factory.mktemp(f"{name}-{speed}")
                    futures[name, at] = pool.submit(run, name, at, installed, folder)
        return futures[server, speed].result()

    yield result
    for pool in pools:
        pool.shutdown(cancel_futures=True)


def is_there(installed, program):
    """Whether a server is installed, as a program or as a folder of npm's."""
    return (installed / program).is_dir() or shutil.which(program, path=path_of(installed))


def path_of(installed):
    return f"{installed / 'bin'}:{os.environ['PATH']}"


def run(server, speed, installed, folder):
    """Run the recipe as a user would, in a copy of its folder: exit code, report, what was said."""
    recipe, scratch = folder / server, folder / "tmp"
    shutil.copytree(RECIPES / server, recipe)
    scratch.mkdir()
    if (installed / server / "node_modules").is_dir():
        (recipe / "node_modules").symlink_to(installed / server / "node_modules")
    sim = Sim(folder / "home")
    sim.environment |= {"PATH": path_of(installed), "TMPDIR": str(scratch)}
    report, journal = folder / "report.json", folder / "journal.jsonl"
    options = ("--speed", speed, "--seed", "7", "--json", report, "--journal", journal)
    with STARTING:
        process = sim.start("run", "scenario.yaml", *options, cwd=recipe)
        said = list(takewhile(lambda line: "clients begin" not in line, process.stderr))
    with process:
        said += [*process.stderr, *process.stdout]
    assert sim.left_behind() == [], "".join(said)
    found = json.loads(report.read_text()) if report.exists() else {}
    return process.returncode, found, "".join(said)


@pytest.mark.parametrize("server", GATEWAYS)
@pytest.mark.parametrize("speed", [10, 1])
def test_the_verdict_is_the_one_known_beforehand(server, speed, installed, runs):
    known = GATEWAYS[server]
    if not is_there(installed, known.program):
        pytest.skip(f"no {known.program}: install_gateways.sh says why")
    code, report, said = runs(server, speed)
    assert report, said
    rows = report["expectations"]
    assert {row["check"] for row in rows if row["held"] is not True} == known.fails, said
    assert {row["check"] for row in rows if row["held"] is False} == known.fails, said
    assert (report["verdict"], code) == (known.verdict, EXIT[known.verdict]), said
    # It does not rest on too little: crash and deploy cut clients off, and they came back.
    assert report["messages"]["acked"] > 300, said
    assert {row["by"] for row in report["disconnects"]} >= {"machine", "deploy"}, said
