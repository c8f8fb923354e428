"""What an edge has learnt of the ways to other regions, and how it uses it."""

from __future__ import annotations

import asyncio

import pytest

from sim.clock import Clock
from sim.routing.edge.backhaul import Network
from sim.routing.edge.dispatch import MAX_TRIES, PACE_S, Dispatcher, NoMachineError, Tries
from sim.routing.edge.loads import Loads
from sim.routing.machine_choice import Constraints, MachineView, Rules
from sim.topology.addresses import Endpoint
from sim.topology.model import Concurrency


class Ways:
    """Ashburn is near, Frankfurt further away."""

    def __init__(self):
        self.up = True

    def door(self, region):
        raise NotImplementedError(region)

    def rtt_ms(self, region):
        return {"iad": 10.0, "fra": 90.0}[region]

    def is_up(self, region):
        del region
        return self.up


def machine(name, *, healthy=True):
    return MachineView(name, Endpoint("127.0.0.1", 1), healthy, name[:3])


def dispatcher(ways, *machines, hard_limit=None):
    rules = Rules(Concurrency(soft_limit=1, hard_limit=hard_limit))
    network = Network(Loads(), ways)
    return Dispatcher("ewr", lambda: machines, rules, network, Clock())


async def _first(edge, tries=None):
    with await edge.find(Constraints(), tries or Tries()) as slot:
        return slot.machine.id


def test_a_region_from_which_nothing_came_back_is_last_until_its_link_is_up(virtually):
    async def scene():
        ways = Ways()
        edge = dispatcher(ways, machine("iad1"), machine("fra1"))
        assert await _first(edge) == "iad1"
        ways.up = False
        assert await _first(edge) == "iad1"  # nobody has noticed
        edge.unreachable("iad")
        assert await _first(edge) == "fra1"
        ways.up = True
        assert await _first(edge) == "iad1"

    virtually(scene())


def test_what_refused_is_not_asked_again_before_a_pause(virtually):
    async def scene():
        edge = dispatcher(Ways(), machine("iad1"))
        tries = Tries()
        tries.failed("iad1")
        clock = edge._clock
        assert await _first(edge, tries) == "iad1"
        assert clock.now() == pytest.approx(PACE_S)

    virtually(scene())


def test_the_tries_are_counted_by_time_and_not_by_news(virtually):
    async def scene():
        edge = dispatcher(Ways(), machine("iad1", healthy=False))
        clock, loads = edge._clock, edge.loads
        asked = asyncio.create_task(edge.find(Constraints(), Tries()))
        for _ in range(1000):
            await clock.sleep(0)
            loads.changed()
        with pytest.raises(NoMachineError, match="PR03"):
            await asked
        assert clock.now() == pytest.approx(MAX_TRIES * PACE_S, rel=0.02)

    virtually(scene())


def test_those_who_queue_are_served_in_their_order(virtually):
    async def scene():
        edge = dispatcher(Ways(), machine("iad1"), hard_limit=1)
        served = []

        async def ask(name):
            with await edge.find(Constraints(), Tries()):
                served.append(name)
                await edge._clock.sleep(0.45)

        await asyncio.gather(*(ask(name) for name in "abcd"))
        assert served == ["a", "b", "c", "d"]
        assert edge._clock.now() == pytest.approx(4 * 0.45)

    virtually(scene())


def test_a_limit_in_time_ends_the_search(virtually):
    async def scene():
        edge = dispatcher(Ways(), machine("iad1", healthy=False))
        with pytest.raises(NoMachineError) as caught:
            await edge.find(Constraints(), Tries(), until_s=2.0)
        assert caught.value.reason == "timeout"
        assert edge._clock.now() == pytest.approx(2)

    virtually(scene())
