"""Machines stop when their region does not need them, and start when a request does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sim.errors import StartError
from sim.machines.lifecycle import State
from sim.processes.exit import Exit
from sim.routing.machine_pool import MachinePool
from sim.routing.waking import EVERY_S, Waker, sleeps, to_stop
from sim.topology.model import Concurrency, Routing
from tests.machines.test_fleet import in_a_world, topology
from tests.routing.edge.atlantic import Atlantic, machine_of, status_of

LIMITS = Concurrency(soft_limit=2)


@pytest.mark.parametrize(
    ("loads", "least", "stops"),
    [
        # a lone machine goes when it is idle
        ([0], 0, 0),
        ([1], 0, None),
        ([0], 1, None),
        # of two, one goes unless one is at its soft limit
        ([0, 0], 0, 1),
        ([1, 1], 0, 1),
        ([2, 0], 0, None),
        ([0, 0], 2, None),
        # n - (loaded + 1) have to be left over
        ([2, 0, 1], 0, 1),
        ([2, 2, 1], 0, None),
        ([5, 2, 1, 0], 0, 3),
        ([], 0, None),
    ],
)
def test_what_a_region_does_not_need(virtually, loads, least, stops):
    async def scene(bench):
        machines = [bench.fleet.create("fra") for _ in loads]
        load = {m.id: n for m, n in zip(machines, loads, strict=True)}
        found = to_stop(machines, load, LIMITS, least)
        assert found is (None if stops is None else machines[stops])

    virtually(in_a_world(scene))


def test_what_was_stopped_sleeps_and_what_was_killed_does_not(virtually):
    async def scene(bench):
        fleet = bench.fleet
        stopped, killed = fleet.in_region("fra")
        (died,) = fleet.in_region("iad")
        assert not sleeps(stopped)
        await fleet.stop(stopped)
        await fleet.kill(killed)
        bench.runs[0].die(Exit(1))
        await bench.clock.sleep(0)
        await bench.clock.sleep(0)
        assert [sleeps(m) for m in (stopped, killed, died)] == [True, False, True]
        await fleet.start(killed)
        await fleet.suspend(killed)
        assert sleeps(killed)
        assert not sleeps(fleet.create("fra"))

    virtually(in_a_world(scene))


def test_those_who_wait_for_a_machine_share_its_start(virtually):
    async def scene(bench):
        machine = bench.fleet.in_region("fra")[0]
        await bench.fleet.stop(machine)
        waker = Waker(bench.fleet)
        waits = [asyncio.create_task(waker.wake(machine.id)) for _ in range(3)]
        await bench.clock.sleep(0)
        assert waker.asleep(machine)
        waits[0].cancel()  # its client left; the others still wait
        await asyncio.gather(*waits, return_exceptions=True)
        assert machine.state is State.STARTED
        assert not waker.asleep(machine)
        assert len(bench.runs) == 4
        await bench.fleet.stop(machine)
        bench.runtime.fails = True
        with pytest.raises(StartError):
            await waker.wake(machine.id)
        await waker.stop()

    virtually(in_a_world(scene))


@pytest.mark.parametrize("how", ["stop", "suspend"])
def test_every_few_minutes_a_region_loses_one_machine_at_most(virtually, how):
    async def scene(bench):
        plain = topology("true")
        gateway = replace(plain.gateway, auto_stop=how, min_machines_running=1)
        world = replace(plain, gateway=gateway, routing=Routing(mode="anycast"))
        pool = MachinePool(world, bench.fleet, bench.health, bench.clock)
        first, second = bench.fleet.in_region("fra")
        (primary,) = bench.fleet.in_region("iad")
        gone = State.STOPPED if how == "stop" else State.SUSPENDED
        pool.start()

        async def client():
            pool.loads.enter(second.id)
            try:
                await bench.clock.sleep(10_000)
            finally:
                pool.loads.leave(second.id)

        pool.loads.enter(first.id)  # both carry one, so the last goes
        connected = asyncio.create_task(client())
        await bench.clock.sleep(EVERY_S + 1)
        assert second.cordoned
        assert not connected.done()
        await bench.clock.sleep(30)
        assert (first.state, second.state) == (State.STARTED, gone)
        assert connected.done()  # the edge says goodbye for either, before it is stopped
        connected.cancel()
        pool.loads.leave(first.id)
        assert not second.cordoned
        asleep = [(m.asleep, m.rested) for m in pool.views() if m.region == "fra"]
        assert asleep == [(False, True), (True, how == "suspend")]
        await bench.clock.sleep(2 * EVERY_S)
        assert first.state is gone
        assert primary.state is State.STARTED  # min_machines_running is of the primary region
        await pool.stop()

    virtually(in_a_world(scene))


def test_a_worker_knows_who_has_an_address_now(virtually):
    async def scene(bench):
        world = replace(topology("true"), routing=Routing(mode="anycast"))
        pool = MachinePool(world, bench.fleet, bench.health, bench.clock)
        (old,) = bench.fleet.in_region("iad")
        await bench.fleet.destroy(old)
        new = bench.fleet.create("iad")
        assert new.endpoint == old.endpoint  # so an address says not who is there
        assert pool.of_worker("iad", old.id) is None
        assert pool.of_worker("fra", new.id) is None
        (view,) = (view for view in pool.views() if view.id == new.id)
        assert pool.of_worker("iad", new.id) == view

    virtually(in_a_world(scene))


def test_with_geodns_nothing_stops_by_itself(virtually):
    async def scene(bench):
        plain = topology("true")
        world = replace(plain, gateway=replace(plain.gateway, auto_stop="stop"))
        pool = MachinePool(world, bench.fleet, bench.health, bench.clock)
        pool.start()
        await bench.clock.sleep(3 * EVERY_S)
        assert {m.state for m in bench.fleet.machines.values()} == {State.STARTED}
        await pool.stop()

    virtually(in_a_world(scene))


async def test_a_request_waits_for_the_machine_that_it_wakes():
    woken = []

    async def wake(machine):
        woken.append(machine)
        atlantic.becomes(machine, healthy=True, asleep=False)

    atlantic = Atlantic(wake=wake)
    async with atlantic:
        await atlantic.machine("fra1", asleep=True, healthy=False)
        await atlantic.machine("iad1", asleep=True, healthy=False)
        assert machine_of(await atlantic.ask()) == "fra1"
        assert machine_of(await atlantic.ask()) == "fra1"
        assert woken == ["fra1"]


async def test_a_machine_that_does_not_wake_is_passed_over():
    async def wake(machine):
        raise StartError(f"{machine} died at start")

    async with Atlantic(wake=wake, speed=500) as atlantic:
        await atlantic.machine("fra1", asleep=True, healthy=False)
        answer = await atlantic.ask()
        assert status_of(answer) == 503
        assert b"PR03: " in answer
