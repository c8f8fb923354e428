"""Faults on health checks, and their repairs: what the checker believes, apart from what is so."""

from __future__ import annotations

from sim.scenario.faults.breakable import Breakable, machines_at, regions_at
from sim.scenario.faults.fault_spec import MACHINES, Params, fault
from sim.scenario.model import Target


@fault(
    "sicken",
    on=MACHINES,
    ended_by={"cure", "heal"},
    summary="the health check fails, traffic works",
)
async def sicken(world: Breakable, target: Target | None, params: Params) -> None:
    """Make the machines' checks fail."""
    del params
    for machine in machines_at(world, target):
        world.health.sicken(machine.id)


@fault(
    "cure",
    on=MACHINES,
    effect="repairs",
    summary="a sickened machine's health check tells the truth again",
)
async def cure(world: Breakable, target: Target | None, params: Params) -> None:
    """Make the machines' checks tell the truth again."""
    del params
    for machine in machines_at(world, target):
        world.health.cure(machine.id)


@fault(
    "blind",
    on=("region",),
    ended_by={"unblind", "heal"},
    summary="the health checker cannot reach the region: its checks time out; clients get through",
)
async def blind(world: Breakable, target: Target | None, params: Params) -> None:
    """Hide a region from the health checker."""
    del params
    for region in regions_at(world, target):
        world.health.blind(region)


@fault(
    "unblind",
    on=("region",),
    effect="repairs",
    summary="the health checker reaches the region again",
)
async def unblind(world: Breakable, target: Target | None, params: Params) -> None:
    """Let the health checker see a region again."""
    del params
    for region in regions_at(world, target):
        world.health.unblind(region)
