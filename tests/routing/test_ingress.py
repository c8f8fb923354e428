"""A whole world with anycast: its links, its one address for each place, its waking machines."""

from __future__ import annotations

import asyncio

import pytest

from bench.common import world_of
from bench.scale import TINY
from sim.machines.lifecycle import State
from tests.routing.edge.atlantic import GET, field_of, status_of

DOCUMENT = {
    "app": "demo",
    "gateway": {"command": TINY, "concurrency": {"soft_limit": 1, "hard_limit": 2}},
    "regions": {"iad": {"primary": True}, "fra": {}, "ams": {"machines": 0}},
    "locations": {"london": {}, "new-york": {}},
    "routing": {"mode": "anycast"},
}


@pytest.fixture
async def world(tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
    async with world_of(DOCUMENT) as world:
        yield world


async def ask(world, location):
    """What a client in a location gets, whose nameserver says where to connect."""
    region = world.resolver.regions(location)[0]
    door = world.plan.link(location, region)
    reader, writer = await asyncio.open_connection(door.host, door.port)
    writer.write(GET)
    async with world.clock.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_world_wakes_what_sleeps_and_goes_round_what_is_dead(world):
    plan, links = world.plan, {link.name: link for link in world.links.all()}
    between = {"iad:fra", "iad:ams", "fra:iad", "fra:ams", "ams:iad", "ams:fra"}
    assert {name for name, link in links.items() if not link.spec.handshake} == between
    assert links["fra:iad"].spec.listen == plan.backhaul("fra", "iad")
    # A region without a machine has an edge all the same, and London is led to it.
    assert world.resolver.regions("london")[0] == "ams"
    answer = await ask(world, "london")
    assert (status_of(answer), field_of(answer, "sim-region")) == (200, "fra")

    (fra,), (iad,) = world.fleet.in_region("fra"), world.fleet.in_region("iad")
    await world.fleet.kill(fra)
    answer = await ask(world, "london")
    assert (status_of(answer), field_of(answer, "sim-region")) == (200, "iad")
    assert world.resolver.regions("london")[0] == "ams"

    await world.fleet.stop(iad)
    answer = await ask(world, "new-york")
    assert (status_of(answer), field_of(answer, "sim-region")) == (200, "iad")
    assert (iad.state, fra.state) == (State.STARTED, State.STOPPED)  # a killed one stays down

    await world.links.link("ams", "iad").partition(mode="refusing")
    await world.fleet.start(fra)
    answer = await ask(world, "london")
    assert (status_of(answer), field_of(answer, "sim-region")) == (200, "fra")
