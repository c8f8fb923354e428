"""What a team does to its machines itself: releases and numbers of machines."""

from __future__ import annotations

from typing import get_args

from sim.scenario.faults.breakable import Breakable, machines_at
from sim.scenario.faults.fault_spec import MACHINES, Detail, Effect, Params, fault
from sim.scenario.model import Target
from sim.scenario.params import (
    Param,
    choice,
    read_command,
    read_count,
    read_environment,
    read_text,
)
from sim.topology.model import Strategy


@fault(
    "deploy",
    on=MACHINES,
    target_optional=True,
    effect="passes",
    params=(
        Param("strategy", "strategy", choice(*get_args(Strategy))),
        Param("image", "image", read_text),
        Param("command", "command", read_command, write=list),
        Param("env", "env", read_environment, write=dict),
    ),
    summary="a release is brought to the machines, as [deploys](deploys.md) are made: `strategy:` "
    "`rolling` (unless the topology says otherwise), `immediate`, `canary` or `bluegreen`; the "
    "same release again, but for `image:`, `command:` and `env:`",
)
async def deploy(world: Breakable, target: Target | None, params: Params) -> None:
    """Bring a release to the machines: the same one again, unless the parameters say otherwise.

    One that fails has been done all the same: how it ended is in the journal.
    """
    from sim.deploys.release import Order  # noqa: PLC0415 - judging loads no deploys

    machines = None if target is None else tuple(m.id for m in machines_at(world, target))
    await world.deploys.deploy(
        Order(
            machines=machines,
            strategy=params.get("strategy"),
            image=params.get("image"),
            command=params.get("command"),
            env=params.get("env") or {},
        )
    )


_SECRET = "SIM_SECRET"  # noqa: S105 - its name


@fault(
    "new_secret",
    on=(),
    target_optional=True,
    effect="passes",
    summary="the app has another secret, `SIM_SECRET`, staged: machines read it when they boot, or "
    "with a `deploy`",
)
async def new_secret(world: Breakable, target: Target | None, params: Params) -> None:
    """Stage a secret that nobody reads: machines that have it differ from those that have not."""
    del target, params
    version = world.fleet.secrets.version + 1
    world.fleet.change_secrets({_SECRET: f"simulated {version}"}, staged=True)


def _scaled_from(world: Breakable, target: Target | None) -> Detail:
    return {"had": len(world.fleet.in_region(_region(world, target)))}


def _effect_of_scaling(detail: Detail) -> Effect:
    """To none, a region is gone until it is scaled up; to fewer, it passes; to more, it mends."""
    count = detail["count"]
    if count >= detail.get("had", 0):
        return "repairs"
    return "passes" if count else "stands"


@fault(
    "scale",
    on=("region",),
    params=(Param("count", "count", read_count, required=True),),
    effect=_effect_of_scaling,
    facts=_scaled_from,
    summary="the region has `count:` machines: new ones boot, the newest are killed first",
)
async def scale(world: Breakable, target: Target | None, params: Params) -> None:
    """Add or remove machines of a region until it has `count`."""
    from sim.machines.scaling import scale as scale_to  # noqa: PLC0415 - judging starts none

    region = _region(world, target)
    await scale_to(world.fleet, world.fleet.in_region(region), {region: params["count"]})


def _region(world: Breakable, target: Target | None) -> str:
    return str(target.value) if target else world.topology.primary.code
