"""Waiting for what happens in a world, instead of sleeping until it may have happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sim.clock import Clock
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.observe.events import Event, FaultBegan, MachineChanged
from sim.observe.journal import Journal, Record
from sim.testing.failures import NotSettledError
from sim.topology.units import format_duration
from sim.world import World

# What a check of a real program may take beyond its own interval and timeout, in real seconds.
_SLACK_REAL_S = 10.0
_CLOCK_GRAIN_S = 1e-6  # the journal's times are rounded to it


class Watch:
    """Tells whoever waits of each event of a journal, as it is written."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._clock = clock
        self._waiting: set[Callable[[Event], None]] = set()
        journal.subscribe(self._tell)

    def _tell(self, record: Record) -> None:
        for tell in list(self._waiting):
            tell(record.event)

    async def until(self, wanted: Callable[[Event], bool], within_s: float) -> Event:
        """The next event that is wanted. Raises TimeoutError after that many simulated seconds."""
        found: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def look(event: Event) -> None:
            if found.done():
                return
            try:
                if wanted(event):
                    found.set_result(event)
            except Exception as error:  # noqa: BLE001 - the test's own mistake, told to the test
                found.set_exception(error)

        self._waiting.add(look)
        try:
            async with self._clock.timeout(within_s):
                return await found
        finally:
            self._waiting.discard(look)


async def settle(world: World, changed_s: float, within_s: float | None) -> None:
    """Wait until checks have looked at every machine since the last change, or `changed_s`.

    Then belief is what checks find of the world as it is, and DNS, which follows belief at once,
    serves that. Raises NotSettledError after `within_s`; without one, after the time that two
    runs of each check may take.
    """
    limit_s = _patience_s(world) if within_s is None else within_s
    try:
        async with world.clock.timeout(limit_s):
            while unsettled(world, changed_s):
                await world.health.news()
    except TimeoutError:
        waiting = "; ".join(unsettled(world, changed_s))
        raise NotSettledError(
            f"not settled within {format_duration(round(limit_s, 3))}: {waiting}"
        ) from None


def unsettled(world: World, changed_s: float) -> list[str]:
    """What the health checker has yet to find out, in words."""
    changes = (
        r.t
        for r in reversed(world.journal.records)
        if isinstance(r.event, FaultBegan | MachineChanged)
    )
    since_s = max(next(changes, 0.0), changed_s) - _CLOCK_GRAIN_S
    return [
        f"{machine.name} is {machine.condition}, believed {world.health.status(machine.id)}, {why}"
        for machine in world.fleet.machines.values()
        if (why := _why_open(world, machine, since_s))
    ]


def _why_open(world: World, machine: Machine, since_s: float) -> str:
    """Why what is believed of a machine may still change; empty where it is settled."""
    if machine.state not in (State.STARTED, State.STOPPED):
        return "on its way to another state"
    if world.health.may_change_at(machine.id) == float("inf"):
        return ""  # it never ran: no check will ask
    if world.health.found_at(machine.id) < since_s:
        ago = world.clock.now() - since_s
        return f"not checked since the last change {ago:.1f} s ago"
    if str(world.health.status(machine.id)) == "warning":
        return "in its grace period"
    return ""


def _patience_s(world: World) -> float:
    checks = world.topology.gateway.checks
    longest = max((check.settles_s for check in checks), default=17.0)
    grace = max((check.grace_period_s for check in checks), default=0.0)
    return 2 * longest + grace + _SLACK_REAL_S * world.speed
