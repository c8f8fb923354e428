"""Redis and pgbouncer, as Debian ships them, through failovers and cuts."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from sim import registry
from sim.clock import Clock
from sim.network.link_server import VARIABLE
from sim.observe.events import Alert, PartFailed, PartRestarted
from sim.report.outcome import judge
from sim.scenario import runner
from sim.scenario.load_scenario import load_scenario
from sim.secrets import MASK
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.e2e.conftest import processes_in
from tests.e2e.test_scenarios import QUICK_TOPOLOGY

pytestmark = [pytest.mark.e2e, pytest.mark.realtime]

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


CLOCK = """
import os, socket, time
server = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
print("my pid is", os.getpid(), os.environ["DATABASE_URL"], flush=True)
while True:
    with server.accept()[0] as client:
        client.sendall(str(time.time()).encode())
"""


async def asked(world, region):
    """What the clock tells a machine of that region, over the region's own link."""
    door = world.plan.door(region), world.plan.service_port("clock")
    reader, writer = await asyncio.open_connection(*door)
    told = float(await reader.read())
    writer.close()
    return told


async def test_a_service_keeps_the_worlds_time_and_is_started_again_when_it_dies(tmp_path):
    (tmp_path / "clock.py").write_text(CLOCK)
    services = {**QUICK_TOPOLOGY["services"], "clock": {"command": ["python", "clock.py"]}}
    topology = {**QUICK_TOPOLOGY, "services": services}
    async with World(
        topology_from_mapping(topology, tmp_path / "topology.yaml"), seed=7, speed=50
    ) as world:
        told = []
        for region in ("iad", "fra"):
            told.append(world.clock.calendar_s())
            told.append(await asked(world, region))
        # Each was asked after the one before it: less than a real second apart, and in order.
        assert told == sorted(told)
        assert told[-1] - told[0] < 50

        restarted = asyncio.Event()

        def watch(record):
            if isinstance(record.event, PartRestarted):
                restarted.set()

        world.journal.subscribe(watch)
        pid = world.services["clock"].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        async with Clock().timeout(20):
            await restarted.wait()
        assert await asked(world, "fra") > told[-1]
        folder = registry.worlds_folder() / world.record.id / "logs"
        log = (folder / "iad-clock.log").read_text()
    events = [record.event for record in world.journal.records]
    assert [e.part for e in events if isinstance(e, PartFailed)] == ["clock"]
    alerts = [(e.alert, e.subject, e.state) for e in events if isinstance(e, Alert)]
    for state in ("began", "ended"):
        assert ("service_unreachable", "clock", state) in alerts
    assert log.count("my pid is") == 2
    assert world.services["database"].secrets[0] not in log
    assert MASK in log


@needs_redis
@pytest.mark.thorough
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
@pytest.mark.thorough
async def test_nobody_reaches_the_pooler_for_a_while():
    outcome, logs = await ran("pooler-cut-off.yaml")
    assert outcome.verdict.outcome == "held", (broken(outcome), outcome.verdict.doubts)
    for machine in ("iad-1", "fra-1"):
        assert "ConnectionRefusedError" in logs[machine]


@needs_pgbouncer
@pytest.mark.thorough
async def test_a_pooler_is_full_when_a_hung_machine_holds_its_connections():
    outcome, logs = await ran("too-many-clients.yaml")
    assert outcome.verdict.outcome == "failed", outcome.verdict.doubts
    assert broken(outcome) == [("outage", "london")]
    assert "no more connections allowed (max_client_conn)" in logs["iad-1"]
    assert "no more connections allowed" in logs["iad-pooler"]
