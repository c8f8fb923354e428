"""The faults by the name a scenario calls them, and how one is done and journaled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sim.errors import SimError
from sim.observe.events import FaultBegan, FaultFailed
from sim.observe.journal import Journal
from sim.scenario.faults import (
    dns_faults,
    heal,
    health_faults,
    link_faults,
    machine_faults,
    release_faults,
    service_faults,
)
from sim.scenario.faults.breakable import Breakable, describe
from sim.scenario.faults.fault_spec import FaultSpec, Params
from sim.scenario.model import Target
from sim.scenario.trigger import Trigger

FAULTS: Mapping[str, FaultSpec] = {
    spec.name: spec
    for module in (
        machine_faults,
        health_faults,
        release_faults,
        link_faults,
        dns_faults,
        service_faults,
        heal,
    )
    for spec in vars(module).values()
    if isinstance(spec, FaultSpec)
}


async def inflict(
    world: Breakable,
    journal: Journal,
    name: str,
    target: Target | None,
    params: Params,
    when: Trigger | None = None,
) -> None:
    """Do a fault and journal it. Raises what kept it from being done, which is journaled too.

    `when` is what it was tied to.
    """
    with journaled(world, journal, name, target, params, when):
        await FAULTS[name].do(world, target, params)


@contextmanager
def journaled(
    world: Breakable,
    journal: Journal,
    name: str,
    target: Target | None,
    params: Params,
    when: Trigger | None = None,
) -> Iterator[None]:
    """Journal that a fault is done in this block, by whatever means, and what kept it from that.

    It is journaled before it is done: no effect of it has an earlier time than it has.
    """
    aim = "everything" if target is None else str(target)
    try:
        tied = {"when": when.written()} if when else {}
        facts = FAULTS[name].facts(world, target)
        detail = {**describe(world, target), **facts, **params, **tied}
        journal.write(FaultBegan(name, aim, detail))
        yield
    except Exception as error:
        known = isinstance(error, SimError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        journal.write(FaultFailed(name, aim, reason))
        raise


__all__ = ["FAULTS", "Breakable", "FaultSpec", "inflict", "journaled"]
