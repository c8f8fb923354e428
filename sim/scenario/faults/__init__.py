"""The faults by the name a scenario calls them, and how one is done and journaled."""

from __future__ import annotations

from collections.abc import Mapping

from sim.errors import SimError
from sim.observe.events import FaultBegan, FaultFailed
from sim.observe.journal import Journal
from sim.scenario.faults.base import Breakable, Fault, Params, describe
from sim.scenario.faults.heal import heal
from sim.scenario.faults.links import flap, loss, partition, reset, slow
from sim.scenario.faults.machines import (
    blind,
    crash,
    cure,
    deploy,
    disconnect,
    freeze,
    reconnect,
    scale,
    sicken,
    start,
    stop,
    thaw,
    unblind,
)
from sim.scenario.faults.names import dns_outage, stale_dns
from sim.scenario.faults.services import service_outage
from sim.scenario.model import Target

FAULTS: Mapping[str, Fault] = {
    "crash": crash,
    "stop": stop,
    "start": start,
    "freeze": freeze,
    "thaw": thaw,
    "disconnect": disconnect,
    "reconnect": reconnect,
    "sicken": sicken,
    "cure": cure,
    "blind": blind,
    "unblind": unblind,
    "deploy": deploy,
    "scale": scale,
    "slow": slow,
    "partition": partition,
    "reset": reset,
    "flap": flap,
    "loss": loss,
    "heal": heal,
    "dns_outage": dns_outage,
    "stale_dns": stale_dns,
    "service_outage": service_outage,
}


async def inflict(
    world: Breakable, journal: Journal, name: str, target: Target | None, params: Params
) -> None:
    """Do a fault and journal it. Raises SimError, also journaled, where it cannot be done.

    It is journaled before it is done: no effect of it has an earlier time than it has.
    """
    aim = "everything" if target is None else str(target)
    try:
        journal.write(FaultBegan(name, aim, {**describe(world, target), **params}))
        await FAULTS[name](world, target, params)
    except SimError as error:
        journal.write(FaultFailed(name, aim, str(error)))
        raise


__all__ = ["FAULTS", "Breakable", "inflict"]
