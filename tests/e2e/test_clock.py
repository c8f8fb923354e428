"""Machines and the database on the world's clock: the same story at every speed."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sim.machines.runs import started
from sim.network.link_server import VARIABLE
from sim.observe.events import MachineDied, PartFailed
from sim.observe.journal import only
from sim.report.outcome import judge
from sim.scenario.load_scenario import scenario_from_mapping
from sim.simulate import simulate, world_for
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.docker.private_engine import GATEWAY as IMAGE
from tests.e2e.test_scenarios import QUICK_TOPOLOGY

pytestmark = pytest.mark.e2e

GATEWAY = Path(__file__).parent / "beating_gateway.py"
BEATING: dict[str, Any] = {
    "app": "beating",
    "domain": "sim.test",
    "gateway": {
        "command": ["python", str(GATEWAY)],
        "env": {"HEARTBEAT_S": "8"},
        "checks": [{"type": "http", "path": "/healthz", "interval": "5s", "timeout": "2s"}],
    },
    "regions": {"fra": {"primary": True}},
    "locations": {"london": {}},
    "routing": {"mode": "anycast"},
    "links": [{"between": ["london", "fra"], "rtt": "15ms"}],
}
CUT_OFF: dict[str, Any] = {
    "name": "a heartbeat behind a partition",
    "topology": "-",
    "load": {
        "driver": {
            "websocket": "/echo",
            "send": "{seq} {payload}",
            "ack": "^(?P<sequence>[0-9]+) ",
        },
        "clients": 3,
        "every": "1s",
        "timeout": "60s",
    },
    "timeline": [
        {"at": "5s", "fault": "partition", "location": "london"},
        {"at": "30s", "fault": "heal"},
    ],
    # TCP's own retransmission carries on: its next is due after twice the silence, at the latest.
    "duration": "80s",
    "expect": [{"check": "outage", "location": "london", "max": "65s"}],
}


def supervisor_of(pid: int) -> int:
    """The process that shows a process its time."""
    found = int(Path(f"/proc/{pid}/status").read_text().partition("TracerPid:")[2].split()[0])
    assert found
    return found


@pytest.fixture(autouse=True)
def _embedded_links(monkeypatch):
    """Across a stock server's partition a FIN passes, so that clients hear of an end before."""
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)


async def heartbeat(speed, clock="lens", runtime="process", **gateway):
    """The report of the run."""
    topology = {**BEATING, "gateway": {**BEATING["gateway"], **gateway}}
    scenario = scenario_from_mapping(CUT_OFF, topology_from_mapping(topology))
    world = world_for(scenario, seed=7, speed=speed, clock=clock, runtime=runtime)
    return (await simulate(world, scenario, warn=print)).report


def all_thrown_out(report):
    """Whether it is the story that speed 1 tells."""
    assert report["verdict"] == "held"
    # Whether they see an end or a reset first, after the heal, is chance: a row for each.
    ended = report["disconnects"]
    assert {(row["location"], row["code"]) for row in ended} == {("london", 1006)}
    assert sum(row["count"] for row in ended) == 3
    # What they had sent behind the partition went with the connection.
    assert 60 <= report["messages"]["unknown"] <= 3 * 65
    return True


@pytest.mark.realtime
@pytest.mark.parametrize("speed", [pytest.param(1, marks=pytest.mark.thorough), 10])
async def test_whoever_misses_a_heartbeat_is_thrown_out_at_any_speed(speed):
    assert all_thrown_out(await heartbeat(speed))


@pytest.mark.thorough
@pytest.mark.realtime
async def test_whoever_misses_a_heartbeat_is_thrown_out_of_a_container_too(
    own_engine, tmp_path, monkeypatch
):
    monkeypatch.delenv(VARIABLE, raising=False)
    shutil.copy(GATEWAY, tmp_path)
    (tmp_path / "Dockerfile").write_text(
        f"FROM {IMAGE}\nCOPY {GATEWAY.name} /\nUSER user\n"
        f'ENTRYPOINT ["python"]\nCMD ["/{GATEWAY.name}"]\n'
    )
    report = await heartbeat(10, runtime="docker", build=str(tmp_path))
    assert report["notes"] == []
    assert all_thrown_out(report)


@pytest.mark.thorough
@pytest.mark.realtime
async def test_a_gateway_that_keeps_real_time_tells_another_story_and_it_is_said():
    report = await heartbeat(10, "real")
    assert report["disconnects"] == []
    (note,) = [note for note in report["notes"] if "real time" in note and "--clock real" in note]
    assert "at speed 10 each second of their own timers" in note


async def test_calendars_of_machines_and_of_the_database_agree():
    world = World(topology_from_mapping(QUICK_TOPOLOGY), seed=7, speed=50)
    ask = [sys.executable, "-S", "-c", "import time; print(time.time())"]
    async with world:
        machines = list(world.fleet.machines.values())
        told = []
        connection = await asyncpg.connect(world.database_url())
        for machine in machines:
            executed = await started(machine, "run a command in").execute(ask, "", 30)
            told.append(float(executed.stdout))
            told.append(world.clock.calendar_s())
            told.append((await connection.fetchval("SELECT clock_timestamp()")).timestamp())
        await connection.close()
    # Each was asked after the one before it: less than a real second apart, and in order.
    assert told == sorted(told)
    assert told[-1] - told[0] < 50


async def test_of_a_database_that_keeps_real_time_it_is_said():
    async with World(topology_from_mapping(QUICK_TOPOLOGY), seed=7) as lender:
        database = {"kind": "postgres", "region": "iad", "url": lender.database_url()}
        topology = {**QUICK_TOPOLOGY, "services": {"database": database}}
        async with World(topology_from_mapping(topology), seed=7, speed=10) as world:
            pass
    notes = judge(world.journal.records, "-").report["notes"]
    assert [note for note in notes if note.startswith("database of iad is not of this world")]


async def test_a_machine_that_its_supervisor_took_along_is_not_the_gateways():
    world = World(topology_from_mapping(QUICK_TOPOLOGY), seed=7, speed=10)
    async with world:
        machine = next(iter(world.fleet.machines.values()))
        assert machine.instance
        assert machine.instance.host_pid
        os.kill(supervisor_of(machine.instance.host_pid), signal.SIGKILL)
        await machine.instance.exited()
        await world.clock.sleep(1)
    records = world.journal.records
    kinds = [type(event) for _, event in records if isinstance(event, PartFailed | MachineDied)]
    assert kinds == [PartFailed, MachineDied]
    (failed,) = [event for _, event in only(records, PartFailed)]
    assert (failed.part, "supervisor" in failed.reason) == (f"lens of {machine.region}", True)
    assert judge(records, "-").verdict.outcome == "unknown"
