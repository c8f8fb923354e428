"""Faults on DNS.

dns_outage  a location's nameserver (without a target: everyone's) answers nothing.
stale_dns   a location's nameserver keeps answering what it answers now, whatever happens.
"""

from __future__ import annotations

from sim.scenario.faults.base import Breakable, Params, locations_at
from sim.scenario.model import Target


async def dns_outage(world: Breakable, target: Target | None, params: Params) -> None:
    """Answer nothing."""
    del params
    for location in locations_at(world, target):
        world.resolver.outage(location)


async def stale_dns(world: Breakable, target: Target | None, params: Params) -> None:
    """Keep answering what is answered now."""
    del params
    for location in locations_at(world, target):
        world.resolver.freeze(location)
