"""Which machine gets a request: pure decisions over what an edge knows.

Fly's rule: the proxy sees how loaded a machine is in three steps only, below its soft limit, from
there to its hard limit, and full. Load leaves a region when every machine there is unhealthy or
full (`spill: hard`, Fly's rule since April 2025), or already when all of them have reached the
soft limit (`spill: soft`, the rule before). Nearer comes first; equals take turns, where Fly draws
lots, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Literal

from sim.routing.router import order_machines
from sim.topology.addresses import Endpoint
from sim.topology.model import Concurrency, Spill

WhyNone = Literal["absent", "unhealthy", "full"]


@dataclass(frozen=True)
class MachineView:
    """A machine as the edges know it: where it listens, and whether it is believed healthy.

    A cordoned one gets nothing new. One that is asleep was stopped or suspended, and a request
    may wake it; one that has not `rested` was stopped only lately, and is woken for want of others.
    An `outdated` view is believed and no longer so: it is told, and nothing is decided by it.
    """

    id: str
    endpoint: Endpoint
    healthy: bool
    region: str
    cordoned: bool = False
    asleep: bool = False
    rested: bool = True
    outdated: bool = False


class Bucket(IntEnum):
    """How loaded a machine is, as far as the edges look."""

    FREE = 0
    BUSY = 1
    FULL = 2


def bucket(load: int, limits: Concurrency) -> Bucket:
    """The step in which a load is: soft and hard limit each belong to the step above them."""
    if limits.hard_limit is not None and load >= limits.hard_limit:
        return Bucket.FULL
    return Bucket.BUSY if load >= limits.soft_limit else Bucket.FREE


@dataclass(frozen=True)
class Constraints:
    """What a request, or the machine that replays it, says of where it goes.

    `regions` are groups in order of preference; a region in none of them is out of the question
    (None: anywhere). `forced` is the one machine that may take it, whatever its health.
    """

    regions: tuple[frozenset[str], ...] | None = None
    preferred: str | None = None
    forced: str | None = None
    never: frozenset[str] = frozenset()

    def rank(self, machine: MachineView) -> int | None:
        """How good a place the machine is in, from 0 on; None where it may not be used."""
        if machine.id in self.never or self.forced not in {None, machine.id}:
            return None
        if self.regions is None or self.forced is not None:
            return 0
        return next((i for i, group in enumerate(self.regions) if machine.region in group), None)


@dataclass(frozen=True)
class Rules:
    """What a topology says about the choice. `auto_start`: whether a request may wake a machine."""

    limits: Concurrency
    spill: Spill = "hard"
    auto_start: bool = False


@dataclass(frozen=True)
class Choice:
    """The machines to try, the best first, or why there is none.

    `wake` is to be started first, and to get the request: those that run are loaded already.
    """

    machines: tuple[MachineView, ...] = ()
    wake: MachineView | None = None
    why_none: WhyNone | None = None


def choose(
    machines: Sequence[MachineView],
    constraints: Constraints,
    rules: Rules,
    *,
    load: Mapping[str, int],
    rtt_ms: Callable[[str], float],
    turn: int,
) -> Choice:
    """Where a request may go now. `load` counts by machine; `turn` decides between equals."""
    ranked = [
        (rank, m) for m in machines if (rank := constraints.rank(m)) is not None and not m.cordoned
    ]
    if not ranked:
        return Choice(why_none="absent")
    distance = {region: rtt_ms(region) for region in {m.region for _, m in ranked}}
    step = {m.id: bucket(load.get(m.id, 0), rules.limits) for _, m in ranked}

    def key(entry: tuple[int, MachineView]) -> tuple[float, ...]:
        rank, machine = entry
        near, loaded = distance[machine.region], step[machine.id]
        return (rank, near, loaded) if rules.spill == "hard" else (rank, loaded, near)

    usable = [
        (rank, m)
        for rank, m in ranked
        if (m.healthy or constraints.forced is not None)
        and not m.asleep
        and step[m.id] < Bucket.FULL
    ]
    ordered = [
        m
        for _, equals in groupby(sorted(usable, key=key), key)
        for _, m in order_machines(list(equals), turn)
    ]
    # Python sorts stably: only what is preferred moves.
    ordered.sort(key=lambda m: m.id != constraints.preferred)
    wake = None
    if rules.auto_start and not any(step[m.id] is Bucket.FREE for m in ordered):
        candidates = [(rank, m) for rank, m in ranked if m.asleep and (m.rested or not ordered)]
        wake = _to_wake(candidates, distance, load, step)
    if ordered or wake:
        return Choice(tuple(ordered), wake)
    full = any(m.healthy and step[m.id] is Bucket.FULL for _, m in ranked)
    return Choice(why_none="full" if full else "unhealthy")


def _to_wake(
    sleepers: Iterable[tuple[int, MachineView]],
    distance: Mapping[str, float],
    load: Mapping[str, int],
    step: Mapping[str, Bucket],
) -> MachineView | None:
    """The nearest of these; one that is being woken, and waited for by few, before another."""
    asleep = [
        (rank, not m.rested, distance[m.region], not load.get(m.id, 0), i, m)
        for i, (rank, m) in enumerate(sleepers)
        if step[m.id] is Bucket.FREE
    ]
    return min(asleep)[-1] if asleep else None
