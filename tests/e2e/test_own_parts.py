"""Parts of ours are killed while a scenario runs: journaled, restarted, and never green."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from sim import registry
from sim.clients.urls import checked_path
from sim.control.control_client import ask
from sim.control.verbs import Control
from sim.network.link_server import VARIABLE
from sim.observe.events import Acked, DriverRaised, PartFailed, PartRestarted
from sim.observe.history import History
from sim.observe.journal import only
from sim.report.outcome import judge
from sim.scenario import runner
from sim.scenario.load_scenario import scenario_from_mapping
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.e2e.test_scenarios import QUICK_TOPOLOGY

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

STOCK = os.environ.get(VARIABLE) or shutil.which("toxiproxy-server")
SPEED = 4.0
SCENARIO = {
    "name": "a part of ours fails",
    "topology": "-",
    "load": {"driver": "session", "clients": 10, "every": "500ms", "timeout": "4s"},
    "duration": "32s",
    "expect": [
        {"check": "outage", "location": "london", "max": "100s"},
        {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
    ],
}
AFTER = 40  # acknowledged messages: the run is in full swing


@pytest.fixture(autouse=True)
def home(monkeypatch):
    """A home of the test's own, in memory where that can be; nothing is left in it."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        monkeypatch.setenv("SIM_HOME", folder)
        monkeypatch.delenv(VARIABLE, raising=False)
        yield Path(folder)
        assert list(registry.worlds_folder().glob("*")) == []


async def killed(kill, part):
    """Run the scenario and call `kill` with the world in the middle of it; what was so after it.

    Waits for the part to be restarted before the load's end, and gives the journal's outcome.
    """
    scenario = scenario_from_mapping(SCENARIO, topology_from_mapping(QUICK_TOPOLOGY))
    world = World(scenario.topology, seed=7, speed=SPEED, scenario=scenario.document)
    async with world, Control(world) as control:
        acked, restarted = 0, None

        def watch(record):
            nonlocal acked, restarted
            if isinstance(record.event, Acked):
                acked += 1
                if acked == AFTER:
                    asyncio.get_running_loop().call_soon(kill, world, control)
            elif isinstance(record.event, PartRestarted):
                restarted = record.t

        world.journal.subscribe(watch)
        await runner.run(world, scenario, print)
        status = await asyncio.to_thread(ask, world.record, "status")
        assert {machine["check"] for machine in status["machines"]} == {"passing"}
    outcome = judge(world.journal.records, "-")
    failed = {event.part: event.reason for _, event in only(world.journal.records, PartFailed)}
    assert part in failed
    assert restarted is not None, failed
    later = [t for t, _ in only(world.journal.records, Acked) if t > restarted]
    assert len(later) > AFTER, "clients are served again"
    assert outcome.verdict.outcome == "unknown"
    assert any(doubt.startswith(f"{part} failed") for doubt in outcome.verdict.doubts)
    assert outcome.report["messages"]["lost"] == 0
    audit = History(world.journal.records).audit
    assert audit
    assert audit.error is None
    return failed[part]


def kill_link_server_process(world, _):
    os.kill(world._link_server.pid, signal.SIGKILL)


def kill_database(world, _):
    """Nobody tells its helpers: they notice, each in its own time."""
    os.kill(world.services["database"].pid, signal.SIGKILL)


def close_link_server(world, _):
    """Its listener is gone, with every proxy."""
    world._link_server._server.close()
    world._link_server._collection.close()


def close_resolver(world, _):
    """One of its sockets closes behind its back: others go on."""
    udp = world.resolver._server._udp[1]
    asyncio.get_running_loop().remove_reader(udp)
    udp.close()


async def test_the_embedded_link_servers_death():
    await killed(close_link_server, "link server")


async def test_a_stock_link_servers_death(monkeypatch):
    if not STOCK:
        pytest.skip("no stock toxiproxy-server: sh tests/network/install_toxiproxy.sh builds one")
    monkeypatch.setenv(VARIABLE, STOCK)
    assert "ended" in await killed(kill_link_server_process, "link server")


async def test_the_databases_death():
    assert "has ended; its last log lines" in await killed(kill_database, "database")


async def test_the_resolvers_death():
    assert "refused" in await killed(close_resolver, "resolver")


async def test_the_control_servers_death():
    def close(_, control):
        (server,) = control._server._servers
        server.close()

    await killed(close, "control server")


async def test_a_defect_of_ours_is_never_green():
    """What ends in an exception that nobody handles is in the journal, once."""
    world = World(topology_from_mapping(QUICK_TOPOLOGY), seed=7)
    async with world:
        for _ in range(3):
            asyncio.get_running_loop().call_soon(checked_path, "no path of ours")
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, in which all three are called
        await asyncio.sleep(0)  # noqa: TID251
    (failed,) = [event for _, event in only(world.journal.records, PartFailed)]
    assert failed.part == "simulator"
    assert "no path of ours" in failed.reason
    assert not list(only(world.journal.records, DriverRaised))


async def test_a_defect_in_a_callback_that_we_did_not_begin_is_a_drivers():
    world = World(topology_from_mapping(QUICK_TOPOLOGY), seed=7)
    async with world:
        told = asyncio.Event()
        world.journal.subscribe(lambda _: told.set())
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await told.wait()
    ((_, raised),) = only(world.journal.records, DriverRaised)
    assert (raised.file, raised.client) == (str(Path(__file__).relative_to(Path.cwd())), "")
    assert raised.error == "ZeroDivisionError: division by zero"
    assert not list(only(world.journal.records, PartFailed))
