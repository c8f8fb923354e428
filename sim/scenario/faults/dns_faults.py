"""Faults on DNS."""

from __future__ import annotations

from sim.scenario.faults.breakable import Breakable, locations_at
from sim.scenario.faults.fault_spec import Params, fault
from sim.scenario.model import Target
from sim.scenario.params import Param, choice


@fault(
    "dns_outage",
    on=("location",),
    target_optional=True,
    ended_by={"heal"},
    newcomers=lambda _: True,
    summary="the location's nameserver answers nothing",
)
async def dns_outage(world: Breakable, target: Target | None, params: Params) -> None:
    """Answer nothing."""
    del params
    for location in locations_at(world, target):
        world.resolver.outage(location)


@fault(
    "stale_dns",
    on=("location",),
    target_optional=True,
    ended_by={"heal"},
    newcomers=lambda _: True,
    summary="the location's nameserver goes on answering what it answers now",
)
async def stale_dns(world: Breakable, target: Target | None, params: Params) -> None:
    """Keep answering what is answered now."""
    del params
    for location in locations_at(world, target):
        world.resolver.freeze(location)


@fault(
    "dns_wrong",
    on=("location",),
    params=(Param("answer", "answer", choice("nxdomain", "nodata", "servfail"), required=True),),
    target_optional=True,
    ended_by={"heal"},
    newcomers=lambda _: True,
    summary="the location's nameserver is up and answers wrongly: `answer:` nxdomain, nodata or"
    " servfail",
)
async def dns_wrong(world: Breakable, target: Target | None, params: Params) -> None:
    """Say that there is no such name, no address, or that it failed."""
    from sim.routing.dns.zone import Outlook  # noqa: PLC0415 - judging a journal loads no world

    for location in locations_at(world, target):
        world.resolver.mislead(location, Outlook(params["answer"]))
