"""Runs a scenario on a world that is up: the load, the timeline of faults, the audit at the end."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from sim.authority import CertificateAuthority
from sim.clients.driver import Ledger
from sim.clients.load import Load
from sim.clients.load_spec import LoadSpec
from sim.clients.vantage import ClientContext
from sim.clock import Clock
from sim.observe.events import FaultFailed, LoadStarted, Sent
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.scenario.audit import audit_database, audit_drivers, cannot_audit
from sim.scenario.faults import Breakable, inflict
from sim.scenario.model import Scenario, TimelineEntry
from sim.scenario.timeline import Timeline
from sim.scenario.trigger import Awaited, Trigger
from sim.topology.addresses import AddressPlan

_REFERENCE = "session"  # the driver whose messages the reference gateway's schema stores


class ScenarioWorld(Breakable, Protocol):
    """What a scenario needs of a world besides what it breaks."""

    clock: Clock
    journal: Journal
    rng: Rng
    plan: AddressPlan
    authority: CertificateAuthority

    def database_url(self) -> str | None:
        """How to reach the database past all links, or None where there is none."""


async def run(
    world: ScenarioWorld,
    scenario: Scenario,
    warn: Callable[[str], None],
    timeline: Timeline | None = None,
) -> None:
    """Run a scenario to its end. What happened is in the world's journal.

    Health checks are aligned to the load's start, so that when a fault is detected depends on the
    seed and not on how long the world took to come up. `warn` gets what a person should be told.
    By `timeline` somebody else may hold the scenario, and end it.
    """
    loads = sum(1 for _ in world.journal.records.among([LoadStarted]))
    rng = world.rng.fork(f"load {loads + 1}" if loads else "load")
    load = make_load(world, scenario.load, rng, warn)
    at_end = load.stop if timeline else None
    duration_s = math.inf if timeline else scenario.duration_s
    timeline = timeline or Timeline(world.clock)
    timeline.begin()
    world.health.align(world.clock.now())
    tied = [(entry, awaited(world, entry.when)) for entry in scenario.timeline if entry.when]
    playing = asyncio.create_task(_play(world, scenario, timeline, tied, at_end))
    try:
        await load.run(duration_s)
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        for _, event in tied:
            event.end()
    for entry, event in tied:
        if not event.came.is_set():
            _never_came(world, entry)
    await audit(world, load)


def client_context_of(world: ScenarioWorld) -> ClientContext:
    """The part of a world that clients see."""
    return ClientContext(
        world.topology,
        world.plan,
        world.resolver.port,
        world.clock,
        world.journal,
        world.authority,
    )


def make_load(world: ScenarioWorld, asked: LoadSpec, rng: Rng, warn: Callable[[str], None]) -> Load:
    """The load that is asked for, not begun. Raises InputError for a driver that cannot be used.

    Its clients' turns are numbered on from those of an earlier load of this world, for what the
    gateway keeps outlives a load.
    """
    load = Load(asked, client_context_of(world), rng, warn)
    highest: Counter[str] = Counter()
    for _, event in world.journal.records.among([Sent]):
        if isinstance(event, Sent):
            highest[event.client] = max(highest[event.client], event.seq)
    for client in load.clients:
        client.number_after(highest[client.name])
    return load


async def audit(world: ScenarioWorld, load: Load) -> None:
    """Find out what is stored of an ended load, however its driver lets it be found out."""
    if load.spec.driver == _REFERENCE:
        await audit_database(world, load.drivers, load.records())
    elif load.drivers and all(isinstance(driver, Ledger) for driver in load.drivers.values()):
        await audit_drivers(world, load.drivers, load.records())
    else:
        cannot_audit(world, str(load.spec.driver))


def awaited(world: ScenarioWorld, trigger: Trigger) -> Awaited:
    """Watch a world's journal for that from now on."""
    machines = world.fleet.machines

    def name_of(machine: str) -> str:
        return machines[machine].name if machine in machines else machine

    return Awaited(trigger, world.journal, name_of)


async def _play(
    world: ScenarioWorld,
    scenario: Scenario,
    timeline: Timeline,
    tied: Sequence[tuple[TimelineEntry, Awaited]],
    at_end: Callable[[], None] | None,
) -> None:
    """Do each fault at its time; one that takes long, such as a boot, delays no later one."""
    async with asyncio.TaskGroup() as doing:
        for entry, event in tied:
            doing.create_task(_do_once(world, entry, event, timeline))
        for entry in scenario.timeline:
            if not entry.when and await timeline.until(entry.at_s):
                doing.create_task(_do(world, entry))
        if at_end:
            await timeline.until(scenario.duration_s)
            at_end()


async def _do_once(
    world: ScenarioWorld, entry: TimelineEntry, event: Awaited, timeline: Timeline
) -> None:
    """Do a fault once its event has come, and its delay is over."""
    await event.came.wait()
    if await timeline.until(timeline.now() + event.trigger.after_s):
        await _do(world, entry)


async def _do(world: ScenarioWorld, entry: TimelineEntry) -> None:
    # Why a fault could not be done is in the journal, and keeps the verdict from being green.
    with contextlib.suppress(Exception):
        await inflict(world, world.journal, entry.fault, entry.target, entry.params, entry.when)


def _never_came(world: ScenarioWorld, entry: TimelineEntry) -> None:
    """A fault that was not done proves nothing, so the verdict cannot be green."""
    target = "everything" if entry.target is None else str(entry.target)
    reason = f"what it waits for never came: {entry.when}"
    world.journal.write(FaultFailed(entry.fault, target, reason))
