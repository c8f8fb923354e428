"""Clients, DNS, edges and a gateway together on real sockets."""

from __future__ import annotations

import asyncio

import pytest

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    EdgeConnection,
    LoadEnded,
    LoadStarted,
    Resolved,
    Sent,
    SessionReady,
    Unknown,
)

# Loads talk for a time here, and of that a busy machine takes its part.
pytestmark = pytest.mark.realtime


async def test_sessions_are_served_by_the_nearest_region(small_world):
    world = await small_world()
    load = world.load(driver="session", clients=10, every_s=0.5)
    await load.run(5.0)
    acked = world.events(Acked)
    assert {(a.client.split("/")[0], a.region, a.machine) for a in acked} == {
        ("new-york", "iad", "iad-1"),
        ("london", "fra", "fra-1"),
    }
    assert len(world.events(Connected)) == 10
    assert len(acked) == len(world.events(Sent))
    assert not world.events(Unknown)
    assert not world.events(ConnectFailed)
    assert all(d.expected for d in world.events(Disconnected))
    kinds = [type(record.event) for record in world.journal.records]
    assert kinds.index(LoadStarted) < kinds.index(Connected)
    assert kinds.index(LoadEnded) < kinds.index(Disconnected)
    # Ten turns each at 0.5 s, less what a busy host made them miss.
    assert 50 <= len(acked) <= 101
    visits = await world.seen(EdgeConnection, 10)
    assert {(v.location, v.region, v.machine, v.status, v.outcome) for v in visits} == {
        ("new-york", "iad", "iad-1", 101, "closed"),
        ("london", "fra", "fra-1", 101, "closed"),
    }
    assert {v.client for v in visits} == {client.vantage.source for client in load.clients}


async def test_a_crash_moves_clients_and_loses_nothing(small_world):
    world = await small_world()
    load = world.load(driver="session", clients=10, every_s=0.2, timeout_s=30.0)
    running = asyncio.create_task(load.run(15.0))
    for number in range(4):  # before anybody is served nothing can be lost
        await world.seen(Acked, 1, lambda acked, of=f"london/{number}": acked.client == of)
    await world.gateways["fra"].crash()
    await world.seen(ConnectFailed, 1)
    world.serve("iad")
    await running
    london = [a for a in world.events(Acked) if a.client.startswith("london/")]
    assert (london[0].region, london[-1].region) == ("fra", "iad")
    assert not world.events(Unknown)
    resumed = [ready for ready in world.events(SessionReady) if ready.resumed]
    assert {ready.client for ready in resumed} == {f"london/{n}" for n in range(4)}
    assert all(ready.acked >= ready.remembered for ready in resumed)
    failures = world.events(ConnectFailed)
    assert failures
    assert {failure.location for failure in failures} == {"london"}
    assert {failure.region for failure in failures} == {"fra"}
    assert any(r.region == "iad" for r in world.events(Resolved) if r.location == "london")
    for session, held in world.store.items():
        assert held == sorted(set(held)), session
    assert sum(map(len, world.store.values())) == len(world.events(Acked))


THEIR_DRIVER = """
class Greeter:
    async def run(self, client):
        async with client.websocket("/echo") as socket:
            async for turn in client.pace():
                client.send(client.name, turn)
                await socket.send_str("hello")
                await client.within(socket.receive_str())
                client.acked(client.name, turn)
"""


async def test_a_driver_of_ones_own_takes_few_lines(small_world, tmp_path, monkeypatch):
    (tmp_path / "their_greeter.py").write_text(THEIR_DRIVER)
    monkeypatch.syspath_prepend(str(tmp_path))
    world = await small_world()
    load = world.load(driver="their_greeter:Greeter", clients=5, every_s=0.5)
    running = asyncio.create_task(load.run())
    for name in [client.name for client in load.clients]:
        await world.seen(Acked, 1, lambda acked, name=name: acked.client == name)
    load.stop()
    await running
    served = {(a.client.split("/")[0], a.region) for a in world.events(Acked)}
    assert served == {("new-york", "iad"), ("london", "fra")}
    assert not world.events(Unknown)
    assert all(d.expected for d in world.events(Disconnected))
