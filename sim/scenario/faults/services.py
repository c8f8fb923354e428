"""Faults on services.

service_outage  nobody reaches the service: its links cut what stands and refuse what comes.
"""

from __future__ import annotations

import asyncio

from sim.scenario.faults.base import Breakable, Params, links_at
from sim.scenario.model import Target


async def service_outage(world: Breakable, target: Target | None, params: Params) -> None:
    """Refuse every connection to the service."""
    del params
    links = links_at(world, target)
    await asyncio.gather(*(link.partition(mode="refusing", towards=None) for link in links))
