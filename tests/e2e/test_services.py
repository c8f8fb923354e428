"""Redis and pgbouncer, as Debian ships them, through failovers and cuts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from sim import registry
from sim.network.link_server import VARIABLE
from sim.report.outcome import judge
from sim.scenario import runner
from sim.scenario.load_scenario import load_scenario
from sim.world import World
from tests.e2e.conftest import processes_in

pytestmark = [pytest.mark.e2e, pytest.mark.realtime, pytest.mark.thorough]

SERVICES = Path(__file__).parents[2] / "topologies" / "services"
SPEED = 4.0
needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server")
needs_pgbouncer = pytest.mark.skipif(
    not shutil.which("pgbouncer", path="/usr/bin:/usr/sbin"), reason="no pgbouncer"
)


@pytest.fixture(autouse=True)
def home(monkeypatch):
    """A home of the test's own, in memory where that can be; nothing is left in it."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        monkeypatch.setenv("SIM_HOME", folder)
        monkeypatch.delenv(VARIABLE, raising=False)
        yield Path(folder)
        assert list(registry.worlds_folder().glob("*")) == []
        assert processes_in(folder) == []


async def ran(name):
    """The outcome of a scenario, and what each machine and service had printed, by its log."""
    scenario = load_scenario(SERVICES / name)
    world = World(scenario.topology, seed=7, speed=SPEED, scenario=scenario.document)
    async with world:
        await runner.run(world, scenario, print)
        folder = registry.worlds_folder() / world.record.id / "logs"
        logs = {path.stem: path.read_text() for path in folder.glob("*.log")}
    return judge(world.journal.records, name), logs


def broken(outcome):
    """The expectations that did not hold, by check and location."""
    told = outcome.report["expectations"]
    return [(one["check"], one.get("location")) for one in told if not one["held"]]


@needs_redis
async def test_a_region_loses_redis_and_then_its_machine():
    outcome, logs = await ran("cache-cut-off.yaml")
    assert outcome.verdict.outcome == "held", (
        outcome.report["expectations"],
        outcome.verdict.doubts,
    )
    assert "redis: Connection" in logs["fra-1"]
    assert "redis:" not in logs["iad-1"]
    assert "Ready to accept connections" in logs["iad-cache"]


@needs_pgbouncer
async def test_a_pooler_is_full_when_a_hung_machine_holds_its_connections():
    outcome, logs = await ran("too-many-clients.yaml")
    assert outcome.verdict.outcome == "failed", outcome.verdict.doubts
    assert broken(outcome) == [("outage", "london")]
    assert "no more connections allowed (max_client_conn)" in logs["iad-1"]
    assert "no more connections allowed" in logs["iad-pooler"]
