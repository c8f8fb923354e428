"""A repository outside this one, with the package installed: its tests have worlds.

Its test file is the one of docs/testing.md.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "testing.md").read_text()
README = (ROOT / "README.md").read_text()
(README_TEST,) = re.findall(r"```python\n(@pytest.*?)```", README, re.DOTALL)
TOPOLOGY = (ROOT / "topologies" / "outages" / "two-regions.yaml").read_text()
STATEFUL = TOPOLOGY.replace("sim.gateway]", "sim.gateway, --sessions, memory]")
OPTIONS = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"

SHARED = """
    import asyncio
    import pytest


    @pytest.mark.anyio
    async def test_crash(sim_session_world):
        await sim_session_world.region("fra").crash()
        await sim_session_world.settled()
        assert sim_session_world.led_to("london") == ("iad",)


    @pytest.mark.anyio
    async def test_it_was_healed(sim_session_world):
        assert sim_session_world.healthy_regions == {"iad", "fra"}
        assert (await sim_session_world.client("london").get("/")).region == "fra"
        sim_session_world.expect.served_by("london", "fra")


    def test_without_a_loop(sim_session_world):
        client = sim_session_world.client("new-york")
        assert asyncio.run(client.get("/")).region == "iad"
        assert asyncio.run(client.get("/")).region == "iad"
"""
SCENARIO = """
name: quick
topology: topology.yaml
load: {driver: echo, clients: 4, every: 500ms}
duration: 3s
expect:
  - {check: served_by, location: london, region: REGION}
"""


def documented(name):
    """The Python file of that name in the document."""
    (code,) = re.findall(rf"```python\n# {name}\n(.*?)```", DOCUMENT, re.DOTALL)
    return code


def told(name, text):
    """What a line of a failure's section says."""
    return dict(re.findall(r"^(\w[\w ]*): (.*)$", text, re.MULTILINE))[name]


class Outside:
    """A folder with a topology and a test, and Python called in it."""

    def __init__(self, sim, folder):
        self._sim = sim
        self.folder = folder

    def __call__(self, *arguments):
        environment = {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
        return self._sim.python(*arguments, cwd=self.folder, env=environment)


@pytest.fixture
def outside(sim, tmp_path):
    """The folder."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{OPTIONS}")
    return Outside(sim, tmp_path)


def test_it_passes_for_the_reference_gateway_and_leaves_nothing(outside, sim):
    """And so does the example of the README."""
    code = documented("test_failover.py")
    assert len(code.splitlines()) <= 20
    (outside.folder / "test_failover.py").write_text(code)
    (outside.folder / "test_readme.py").write_text(f"import pytest\n\n{README_TEST}")
    done = outside("-m", "pytest", "-q", "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "sim:" not in done.stdout
    assert sim.left_behind() == []


def test_it_fails_for_a_stateful_gateway_and_says_how_to_see_it_again(outside, sim):
    (outside.folder / "test_failover.py").write_text(documented("test_failover.py"))
    (outside.folder / "topology.yaml").write_text(STATEFUL)
    reports = outside.folder / "reports"
    done = outside("-m", "pytest", "-q", "--sim-reports", reports, "--sim-seeds", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    said = done.stdout
    assert "ExpectationError: sessions: all resumed: FAILED" in said
    assert "so this state lived on the machine that is gone" in said
    anomaly = told("first anomaly", said)
    assert re.match(r"at [0-9.]+ s: london/\d+: the gateway in iad forgot", anomaly)
    assert "seed 1, speed 10" in said
    assert "site-packages" not in said.partition("= FAILURES =")[2]  # the user's lines, not ours
    page = Path(told("report", said))
    assert page.parent == reports
    assert page.read_text().startswith("<!doctype html>")
    journal = told("journal", said)
    judged = sim("report", journal)
    assert judged.returncode == 1, judged.stderr
    assert "FAILED  sessions: all resumed" in judged.stdout

    replay = shlex.split(told("replay", said))
    assert replay[0] == "pytest"
    again = outside("-m", *replay)
    assert again.returncode == 1
    assert "sessions: all resumed: FAILED" in again.stdout, again.stdout
    assert sim.left_behind() == []


def test_one_world_serves_tests_on_asyncio_trio_and_no_loop_in_two_workers(outside, sim):
    """Anyio runs each of its tests on both of its loops; pytest-asyncio is left out."""
    (outside.folder / "test_shared.py").write_text(textwrap.dedent(SHARED))
    options = ("--sim-topology", "topology.yaml", "--sim-speed", "10")
    plugins = (
        "-p",
        "no:asyncio",
        "-o",
        "asyncio_mode=",
        "-W",
        "ignore::pytest.PytestConfigWarning",
    )
    done = outside("-m", "pytest", "-q", "-n", "2", *plugins, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    assert sim.left_behind() == []


def test_scenarios_are_tests_and_a_broken_one_says_how_to_see_it_again(outside, sim):
    for region in ("fra", "iad"):
        text = SCENARIO.replace("REGION", region)
        (outside.folder / f"{region}.scenario.yaml").write_text(text)
    done = outside("-m", "pytest", "-q", "--sim-scenarios", "--sim-speed", "10", "--sim-seed", "7")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "FAILED  served_by: london, iad → fra" in done.stdout
    assert "Traceback" not in done.stdout
    replay = shlex.split(told("replay", done.stdout))
    assert replay == ["sim", "run", "iad.scenario.yaml", "--seed", "7", "--speed", "10"]
    again = outside("-m", *replay)
    assert again.returncode == 1
    assert "FAILED  served_by: london, iad" in again.stdout
    assert sim.left_behind() == []


def test_a_world_is_opened_by_hand(outside, sim):
    (outside.folder / "by_hand.py").write_text(documented("by_hand.py"))
    done = outside("by_hand.py")
    assert (done.returncode, done.stdout) == (0, "iad\n"), done.stderr
    assert sim.left_behind() == []
