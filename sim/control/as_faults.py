"""Commands on machines that are faults of scenarios: journaled as those, so they are saved too."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from sim.machines.machine import Machine
from sim.scenario.faults import journaled
from sim.scenario.model import Target
from sim.world import World

_ALIKE = {"start": "start", "stop": "stop", "kill": "crash"}


def as_fault(world: World, action: str, machine: Machine) -> AbstractContextManager[None]:
    """Journal what is done to a machine in this block, where a scenario has a fault for it."""
    if action not in _ALIKE:
        return nullcontext()
    target = Target("machine", machine.id)
    return journaled(world, world.journal, _ALIKE[action], target, {})


def as_scale(world: World, region: str, count: int) -> AbstractContextManager[None]:
    """Journal that a region has so many machines after this block."""
    return journaled(world, world.journal, "scale", Target("region", region), {"count": count})
