"""What a deploy does, step by step, for each of flyctl's strategies. Pure.

rolling    one machine after another is updated in place, `max_unavailable` at a time: its process
           stops, the new one starts in the same slot. So a region's only machine leaves a gap.
immediate  all are updated at once, and nobody looks whether they come up.
canary     a machine more is made of the new release, watched and destroyed; then one is updated,
           and if that one comes up the others, rolling.
bluegreen  a new machine is made beside each one and takes no traffic until every new one passes
           its checks; then traffic is led to those, and the old ones are stopped.

The primary region's machines come first, then the others'. Machines that are down get the new
release and stay down.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sim.errors import InputError
from sim.topology.model import Deploy, Strategy

Do = Literal[
    "release_command",
    "canary",
    "update",
    "create",
    "check",
    "uncordon",
    "settle",
    "cordon",
    "stop",
    "destroy",
]

_COLD_POOL = 30  # how many machines that are down flyctl updates at once


@dataclass(frozen=True)
class Slot:
    """A machine as a plan sees it. `checked`: it has health checks."""

    id: str
    region: str
    up: bool = True
    group: str = "app"
    checked: bool = True


@dataclass(frozen=True)
class Step:
    """One thing that is done to some machines, `at_once` at a time; the next waits for all.

    With `proven` each has to come up (the smoke check, then its health checks) before another has
    its turn. `create` makes a machine beside each, and `check`, `uncordon` are about that one.
    """

    do: Do
    machines: tuple[str, ...] = ()
    at_once: int = 1
    proven: bool = True


def plan(
    slots: Sequence[Slot], primary: str, settings: Deploy, strategy: Strategy | None = None
) -> tuple[Step, ...]:
    """The steps of a deploy to these machines. Raises InputError where there is nothing to do.

    `strategy` is instead of the settings'. A bluegreen deploy needs checks.
    """
    if not slots:
        raise InputError("there is no machine to deploy to; create one, or scale a region up")
    ordered = sorted(slots, key=lambda slot: slot.region != primary)
    first = [Step("release_command")] if settings.release_command else []
    match strategy or settings.strategy:
        case "rolling":
            steps = _rolling(ordered, primary, settings)
        case "immediate":
            steps = [Step("update", _ids(ordered), len(ordered), proven=False)]
        case "canary":
            steps = _canary(ordered, primary, settings)
        case "bluegreen":
            steps = _bluegreen(ordered)
    return (*first, *steps)


def _rolling(slots: Sequence[Slot], primary: str, settings: Deploy) -> list[Step]:
    steps = []
    for here in (True, False):
        phase = [slot for slot in slots if (slot.region == primary) is here]
        for group in dict.fromkeys(slot.group for slot in phase):
            size = sum(slot.up and slot.group == group for slot in slots)
            warm = [slot for slot in phase if slot.group == group and slot.up]
            if warm:
                steps.append(Step("update", _ids(warm), _pool(size, settings)))
        if cold := [slot for slot in phase if not slot.up]:
            steps.append(Step("update", _ids(cold), _COLD_POOL, proven=False))
    return steps


def _canary(slots: Sequence[Slot], primary: str, settings: Deploy) -> list[Step]:
    """A canary for each process group; then one that runs goes first."""
    groups = dict.fromkeys(slot.group for slot in slots if slot.up)
    firsts = [next(s for s in slots if s.up and s.group == group) for group in groups]
    rest = [slot for slot in slots if slot not in firsts]
    canaries = [Step("canary", _ids(firsts), len(firsts))] if firsts else []
    leading = [Step("update", _ids(firsts), len(firsts))] if firsts else []
    return [*canaries, *leading, *_rolling(rest, primary, settings)]


def _bluegreen(slots: Sequence[Slot]) -> list[Step]:
    unchecked = [slot.id for slot in slots if not slot.checked]
    if unchecked:
        raise InputError(
            f"a bluegreen deploy needs health checks, and {', '.join(unchecked)} has none"
        )
    blues, cold = _ids(s for s in slots if s.up), _ids(s for s in slots if not s.up)
    every = len(blues)
    steps = [
        Step("create", blues, every),
        Step("check", blues, every),
        Step("uncordon", blues, every),
        Step("settle"),
        Step("cordon", blues, every),
        Step("settle"),
        Step("stop", blues, every),
        Step("destroy", blues, every),
    ]
    dormant = [Step("update", cold, _COLD_POOL, proven=False)] if cold else []
    return [*(steps if blues else ()), *dormant]


def _pool(size: int, settings: Deploy) -> int:
    """How many of a group's machines may be down at once."""
    most = settings.max_unavailable
    return max(1, int(most) if most >= 1 else math.ceil(size * most))


def _ids(slots: Iterable[Slot]) -> tuple[str, ...]:
    return tuple(slot.id for slot in slots)
