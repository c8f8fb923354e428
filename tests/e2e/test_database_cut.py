"""A database that is cut off, as psycopg sees it: by libpq's transport timers, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from sim.clock import Clock
from sim.streams.silence import has_filters
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.e2e.test_scenarios import QUICK_TOPOLOGY

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough,
    pytest.mark.realtime,
    pytest.mark.skipif(not has_filters(), reason="needs CAP_NET_ADMIN"),
]

TIMERS: dict[str, Any] = {"tcp_user_timeout": 5000, "keepalives_idle": 2, "keepalives_interval": 1}


@pytest.fixture
async def world(monkeypatch):
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)  # a stock server acknowledges
    async with World(topology_from_mapping(QUICK_TOPOLOGY), seed=7, speed=1) as world:
        yield world


def url_in(world, region):
    """What machines of the region are given."""
    (machine,) = [m for m in world.fleet.machines.values() if m.region == region]
    return machine.spec.env["DATABASE_URL"]


async def test_transport_timers_notice_a_cut_and_nothing_else_does(world):
    clock, url = Clock(), url_in(world, "fra")
    timed = await psycopg.AsyncConnection.connect(url, autocommit=True, **TIMERS)
    listening = await psycopg.AsyncConnection.connect(url, autocommit=True, **TIMERS)
    await listening.execute("LISTEN news")
    patient = await psycopg.AsyncConnection.connect(url, autocommit=True, keepalives=0)
    await timed.execute("SELECT 1")
    await world.links.link("fra", "database").partition()
    begun = clock.now()

    async def ends(doing):
        with pytest.raises(psycopg.OperationalError):
            await doing
        return clock.now() - begun

    async def next_news():
        async for _ in listening.notifies():
            pass

    waiting = asyncio.create_task(patient.execute("SELECT 42"))
    asked, listened = await asyncio.gather(ends(timed.execute("SELECT 1")), ends(next_news()))
    assert 4.5 <= asked <= 6.0
    assert 1.5 <= listened <= 6.0
    await asyncio.wait([waiting], timeout=10 - (clock.now() - begun))
    assert not waiting.done()
    await world.links.link("fra", "database").heal()
    async with clock.timeout(15):
        assert await (await waiting).fetchone() == (42,)
    for connection in (timed, listening, patient):
        await connection.close()
