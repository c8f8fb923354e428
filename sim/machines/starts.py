"""Starting many machines at the same time, and those of a new world."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from sim.errors import SimError, StartError
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine


async def launch(fleet: Fleet) -> None:
    """Create and start all machines of the topology, at the same time.

    One that dies where others of the same program come up is started once more, as Fly would:
    programs that create their tables at their start run into each other.
    """
    machines = [
        fleet.create(code) for code, region in fleet.regions.items() for _ in range(region.machines)
    ]
    try:
        await start_all(fleet, machines)
    except StartError:
        down = [machine for machine in machines if machine.state is not State.STARTED]
        if len(down) == len(machines) or not all(machine.died for machine in down):
            raise
        await start_all(fleet, down)


async def start_all(fleet: Fleet, machines: Iterable[Machine]) -> None:
    """Start these at the same time. Raises one StartError that tells of all that failed."""
    machines = list(machines)
    results = await asyncio.gather(*map(fleet.start, machines), return_exceptions=True)
    failures: dict[str, SimError] = {}
    for machine, result in zip(machines, results, strict=True):
        if isinstance(result, SimError):
            failures[machine.name] = result
        elif isinstance(result, BaseException):
            raise result
    if len(failures) == 1:
        raise next(iter(failures.values()))
    if failures:
        raise StartError(_told_once(failures))


def _told_once(failures: Mapping[str, Exception]) -> str:
    """What kept machines down, by their names: what is the same of several is told of the first."""
    alike: dict[str, list[str]] = {}
    for name, failure in failures.items():
        alike.setdefault(str(failure).partition("\n")[0].replace(f" {name} ", " … "), []).append(
            name
        )
    told = []
    for first, *others in alike.values():
        text = str(failures[first])
        if others:
            named = f"machines {', '.join((first, *others))} "
            text = text.replace(f"machine {first} ", named, 1)
        told.append(text)
    return "\n".join(told)
