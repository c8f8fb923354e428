"""Machines that start and stop with the load, as Fly's proxy does it. Deciding is pure.

A request starts a machine that sleeps when those that run have reached their soft limit, or none
runs (choice.py says which). Every few minutes the proxy looks at each region and stops one machine
at most, where fewer would do. Nothing is created, and nothing that a fault ended is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sim.clock import Clock
from sim.errors import InputError, SimError
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.routing.edge.loads import Loads
from sim.topology.model import Concurrency, Topology

EVERY_S = 180.0  # Fly says "every few minutes"
REST_S = 300.0  # Fly's PM11: so long a stopped machine is left alone, where there is another
_CORDONED_S = 5.0  # no new traffic for so long before it is stopped


def sleeps(machine: Machine) -> bool:
    """Whether a request may wake it: it was stopped or suspended, or ended by itself.

    One that was killed is gone as a broken host is, until somebody starts it.
    """
    if machine.state is State.SUSPENDED:
        return True
    if machine.state is not State.STOPPED or not machine.events:
        return False
    last = machine.events[0]
    before = machine.events[1].type if len(machine.events) > 1 else ""
    return last.type == "exit" and (not last.asked or before in {"stop", "suspend"})


def has_rested(machine: Machine, now_s: float) -> bool:
    """Whether a sleeping machine was not stopped only a moment ago."""
    return machine.state is not State.STOPPED or now_s - machine.events[0].at_s >= REST_S


def to_stop(
    running: Sequence[Machine], load: Mapping[str, int], limits: Concurrency, least: int
) -> Machine | None:
    """The machine of a region that its load does not need, if any; `least` have to stay.

    Fly's rule: excess = n - (n at their soft limit + 1), and a lone machine goes once it is idle.
    The least loaded one goes, of several the last.
    """
    if not running or len(running) <= least:
        return None
    idlest = min(reversed(running), key=lambda machine: load.get(machine.id, 0))
    if len(running) == 1:
        return None if load.get(idlest.id, 0) else idlest
    loaded = sum(load.get(machine.id, 0) >= limits.soft_limit for machine in running)
    return idlest if len(running) - (loaded + 1) >= 1 else None


class Waker:
    """Starts machines for requests; those that wait for the same one share its start."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._starts: dict[str, asyncio.Task[None]] = {}

    def asleep(self, machine: Machine) -> bool:
        """Whether a request has to wait until it is woken, or may wake it."""
        return machine.id in self._starts or sleeps(machine)

    async def wake(self, machine_id: str) -> None:
        """Start a machine, and wait until it can serve. Raises SimError.

        An edge that has not heard yet of its start may ask again: then there is nothing to do.
        """
        start = self._starts.get(machine_id)
        machine = self._fleet.machines.get(machine_id)
        if machine is None:
            raise InputError(f"machine {machine_id} is gone")
        if start is None:
            if machine.state is State.STARTED:
                return
            start = asyncio.create_task(self._fleet.start(machine))
            self._starts[machine_id] = start
            start.add_done_callback(lambda done: self._ended(machine_id, done))
        await asyncio.shield(start)

    async def stop(self) -> None:
        """Start nothing any more."""
        for start in self._starts.values():
            start.cancel()
        await asyncio.gather(*self._starts.values(), return_exceptions=True)

    def _ended(self, machine_id: str, start: asyncio.Task[None]) -> None:
        del self._starts[machine_id]
        if not start.cancelled():
            start.exception()  # seen: whoever still waits is told


class AutoStop:
    """Stops, or suspends, what the load of a region does not need."""

    def __init__(self, topology: Topology, fleet: Fleet, loads: Loads, clock: Clock) -> None:
        self._topology = topology
        self._gateway = topology.gateway
        self._fleet = fleet
        self._loads = loads
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, the first time after a whole interval."""
        self._task = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Look no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(EVERY_S)
            async with asyncio.TaskGroup() as regions:
                for region in self._topology.regions:
                    regions.create_task(self._spare_one(region))

    async def _spare_one(self, region: str) -> None:
        primary = region == self._topology.primary.code
        machine = to_stop(
            [
                m
                for m in self._fleet.in_region(region)
                if m.state is State.STARTED and m.takes_traffic
            ],
            self._loads.by_machine,
            self._gateway.concurrency,
            self._gateway.min_machines_running if primary else 0,
        )
        if machine is None:
            return
        self._fleet.cordon(machine)
        try:
            await self._clock.sleep(_CORDONED_S)
            with suppress(SimError):  # somebody else has ended it meanwhile
                # The proxy says goodbye for it, as Fly's does: a suspended one could not.
                self._loads.cut(machine.id)
                if self._gateway.auto_stop == "suspend":
                    await self._fleet.suspend(machine)
                else:
                    await self._fleet.stop(machine)
        finally:
            self._fleet.uncordon(machine)
