"""Faults on services."""

from __future__ import annotations

import asyncio

from sim.scenario.faults.breakable import Breakable, links_at
from sim.scenario.faults.fault_spec import Params, fault
from sim.scenario.model import Target


@fault(
    "service_outage",
    on=("service",),
    ended_by={"heal"},
    summary="nobody reaches the service: connections to it are cut and refused",
)
async def service_outage(world: Breakable, target: Target | None, params: Params) -> None:
    """Refuse every connection to the service."""
    del params
    links = links_at(world, target)
    await asyncio.gather(*(link.partition(mode="refusing", towards=None) for link in links))
