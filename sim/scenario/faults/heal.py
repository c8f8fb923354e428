"""heal: whatever was done to a target is undone; without a target, everything is.

Machines that are down are started again only where everything is healed: `start` is the repair of
a crash, and a scenario that heals a link does not mean to boot machines.
"""

from __future__ import annotations

import asyncio

from sim.scenario.faults.base import Breakable, Params, links_at, locations_at
from sim.scenario.faults.machines import cure, reconnect, start, thaw, unblind
from sim.scenario.model import Target


async def heal(world: Breakable, target: Target | None, params: Params) -> None:
    """Undo the faults on the target's links, names and machines."""
    if target is None or target.kind != "machine":
        await asyncio.gather(*(link.heal() for link in links_at(world, target)))
    if target is None or target.kind == "location":
        for location in locations_at(world, target):
            world.resolver.restore(location)
            world.resolver.thaw(location)
    if target is None or target.kind == "region":
        await unblind(world, target, params)
    if target is None or target.kind in ("region", "machine"):
        await cure(world, target, params)
        await thaw(world, target, params)
        await reconnect(world, target, params)
    if target is None:
        await start(world, None, params)
