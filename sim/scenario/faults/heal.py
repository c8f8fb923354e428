"""heal: whatever was done to a target is undone; without a target, everything is.

Machines that are down are started again only where everything is healed: `start` is the repair of
a crash, and a scenario that heals a link does not mean to boot machines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet

from sim.scenario.faults.breakable import Breakable, links_at, locations_at
from sim.scenario.faults.fault_spec import LINKS, Detail, Params, fault
from sim.scenario.faults.health_faults import cure, unblind
from sim.scenario.faults.machine_faults import reconnect, start, thaw
from sim.scenario.model import Target


def _also(detail: Detail) -> AbstractSet[str]:
    return {start.name} if detail.get("kind") == "everything" else frozenset()


@fault(
    "heal",
    on=(*LINKS, "machine"),
    target_optional=True,
    effect="repairs",
    also=_also,
    summary="undoes what was done to the target; without a target also starts what is down",
)
async def heal(world: Breakable, target: Target | None, params: Params) -> None:
    """Undo the faults on the target's links, names and machines."""
    if target is None or target.kind != "machine":
        await asyncio.gather(*(link.heal() for link in links_at(world, target)))
    if target is None or target.kind == "location":
        for location in locations_at(world, target):
            world.resolver.restore(location)
            world.resolver.thaw(location)
    if target is None or target.kind == "region":
        await unblind.do(world, target, params)
    if target is None or target.kind in ("region", "machine"):
        await cure.do(world, target, params)
        await thaw.do(world, target, params)
        await reconnect.do(world, target, params)
    if target is None:
        await start.do(world, None, params)
