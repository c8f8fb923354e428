"""Runs one session in a world of its own for each boundary, and says what became of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from sim.errors import InputError, Problem, SimError
from sim.lens.choice import ClockName
from sim.machines.health import Status
from sim.machines.lifecycle import State
from sim.machines.runtime import RuntimeName
from sim.observe.doubts import doubts
from sim.observe.events import Acked, Failed, HealthChanged, MachineChanged
from sim.observe.history import History
from sim.observe.ledger import balance
from sim.observe.numbering import told
from sim.observe.outages import find_outages
from sim.observe.sessions import count
from sim.scenario.evidence import Evidence
from sim.scenario.faults import inflict
from sim.scenario.model import Scenario, Target
from sim.scenario.runner import audit, make_load
from sim.sweep.boundaries import Boundary
from sim.sweep.trap import Trap, blows_of
from sim.topology.distance import round_trip
from sim.topology.model import DATABASE, Topology
from sim.world import World

# Worlds mostly wait: so many side by side keep two cores busy without disturbing each other.
SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class BoundaryResult:
    """What became of the session at one boundary (None: undisturbed).

    `forgot` counts resumptions at which the gateway no longer knew all that it had acknowledged;
    `refused` and `unanswered` messages are no broken promise, but told. `why_unknown` says why this
    result proves nothing; `why_unstored`, why only what is stored is not known: `askable` is false
    where that is because the driver knows no way to ask.
    """

    boundary: Boundary | None
    machines: Sequence[str]
    outage_s: float
    lost: int
    duplicated: int
    reordered: int
    forgot: int
    refused: int
    unanswered: int
    came_back: bool
    ack_ms: float
    why_unknown: str
    why_unstored: str
    askable: bool

    @property
    def verdict(self) -> Literal["held", "failed", "unknown"]:
        """Failed wherever something is lost, doubled, out of order, forgotten or gone."""
        broken = self.lost or self.duplicated or self.reordered or self.forgot
        if broken or (self.machines and not self.came_back and not self.why_unknown):
            return "failed"
        return "unknown" if self.why_unknown or self.why_unstored else "held"

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong, as far as the driver lets it be known."""
        unasked = not self.askable and not self.why_unknown
        return self.verdict == "held" or (self.verdict == "unknown" and unasked)


@dataclass(frozen=True)
class Sweep:
    """How sessions of a scenario's load are swept: everything but the boundary."""

    scenario: Scenario
    location: str
    seed: int
    speed: float
    runtime: RuntimeName
    clock: ClockName
    secrets: Mapping[str, str]
    warn: Callable[[str], None]

    async def run(
        self, at: Sequence[Boundary], told: Callable[[BoundaryResult], None]
    ) -> list[BoundaryResult]:
        """The clean run's result, then those of the boundaries; each is `told` at its end.

        Raises InputError where even the undisturbed session does not fare well.
        """
        clean = await self.run_boundary(None, 0.0)
        if not clean.sound:
            why = (
                clean.why_unknown
                or clean.why_unstored
                or "undisturbed, it already loses, doubles or forgets messages"
            )
            raise InputError(Problem(f"the clean run proves nothing: {why}"))
        told(clean)
        places = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(boundary: Boundary) -> BoundaryResult:
            async with places:
                result = await self.run_boundary(boundary, clean.ack_ms / 1000)
            told(result)
            return result

        return [clean, *await asyncio.gather(*(one(boundary) for boundary in at))]

    async def run_boundary(self, boundary: Boundary | None, way_s: float) -> BoundaryResult:
        """Take one session through a boundary, in a world of its own."""
        topology = self.scenario.topology
        alone = replace(topology, locations={self.location: topology.locations[self.location]})
        asked = replace(self.scenario.load, clients=1)
        world = World(
            alone,
            seed=self.seed,
            speed=self.speed,
            secrets=self.secrets,
            scenario=self.scenario.document,
            runtime=self.runtime,
            clock=self.clock,
        )
        async with world:
            load = make_load(world, asked, world.rng.fork("load"), self.warn)
            striking: list[asyncio.Task[None]] = []
            trap = Trap(
                load.clients[0].name,
                blows_of(boundary),
                way_s,
                max(0.0, asked.every_s - way_s),
                later=world.clock.call_later,
                strike=lambda machine, earlier: striking.append(
                    asyncio.create_task(_strike(world, machine, earlier))
                ),
                well=load.stop,
            )
            world.journal.subscribe(trap)
            world.health.align(world.clock.now())
            try:
                await load.run(self.scenario.duration_s)
            finally:
                for task in striking:
                    task.cancel()
                await asyncio.gather(*striking, return_exceptions=True)
            await audit(world, load)
        history = History(world.journal.records)
        return _judged(boundary, trap, Evidence(history, replace(self.scenario, topology=alone)))


async def _strike(world: World, machine: str, earlier: str | None) -> None:
    """Kill a machine; the one that was killed before it boots, so that there is somewhere to go."""
    with contextlib.suppress(SimError):  # journaled, and then nothing is proven
        await inflict(world, world.journal, "crash", Target("machine", machine), {})
        if earlier is not None:
            await inflict(world, world.journal, "start", Target("machine", earlier), {})


def _judged(boundary: Boundary | None, trap: Trap, evidence: Evidence) -> BoundaryResult:
    history, ledger = evidence.history, balance(evidence.history)
    sessions = count(history)
    latencies = [acked.latency_ms for _, acked in history.of(Acked)]
    outages = find_outages(history, evidence.gap_rule)
    return BoundaryResult(
        boundary,
        machines=[_named(history, machine) for machine in trap.struck],
        outage_s=max((outage.seconds for outage in outages), default=0.0),
        lost=ledger.count("lost"),
        duplicated=ledger.count("duplicated"),
        reordered=ledger.count("reordered"),
        forgot=len(sessions.broken),
        refused=len(history.of(Failed)),
        unanswered=ledger.unknown,
        came_back=_came_back(history, trap),
        ack_ms=median(latencies) if latencies else 0.0,
        why_unknown=_why_unknown(evidence, trap) or next(iter(sessions.mistakes), ""),
        why_unstored=told(ledger.mistakes) if ledger.mistakes else ledger.why_not_audited,
        askable=ledger.askable,
    )


def _why_unknown(evidence: Evidence, trap: Trap) -> str:
    history = evidence.history
    if broken := next(doubts(history), None):
        return broken
    if not history.connected:
        return "the client never connected"
    if not trap.sprung:
        return "the session never came to this boundary"
    if not _came_back(history, trap) and not _could_come_back(evidence):
        return "it ended before anybody could serve the session again: give it a longer `duration`"
    return ""


def _could_come_back(evidence: Evidence) -> bool:
    """Whether a machine was in rotation for as long as a client may take to come to it."""
    load = evidence.scenario.load
    takes_s = evidence.topology.routing.ttl_s + load.backoff.max_s + 2 * load.timeout_s
    passing_since: dict[str, float] = {}
    for t, event in evidence.history.among(HealthChanged, MachineChanged):
        match event:
            case HealthChanged(machine=machine, status=Status.PASSING):
                passing_since.setdefault(machine, t)
            case MachineChanged(state=State.STARTED):
                pass
            case HealthChanged(machine=machine) | MachineChanged(machine=machine):
                passing_since.pop(machine, None)
    return any(evidence.history.end - t >= takes_s for t in passing_since.values())


def _came_back(history: History, trap: Trap) -> bool:
    """Whether the session was served again after the last blow."""
    if not trap.struck:
        return True
    last, _ = history.faults[-1]
    return any(t > last for t, _ in history.of(Acked))


def _named(history: History, machine: str) -> str:
    """A machine by its region and id, as people find it in logs."""
    region = next((e.region for _, e in history.of(Acked) if e.machine == machine), None)
    return f"{region} {machine}" if region else machine


def farthest_location(topology: Topology) -> str:
    """The location whose nearest region is farthest from the database; without one, the first.

    There the time between receiving a message and having stored it is longest, and with it the
    window in which a gateway can break its word.
    """
    if topology.database is None:
        return next(iter(topology.locations))

    def to_database_ms(location: str) -> float:
        nearest = min(
            topology.regions, key=lambda code: round_trip(topology, location, code).rtt_ms
        )
        return round_trip(topology, nearest, DATABASE).rtt_ms

    return max(topology.locations, key=to_database_ms)
