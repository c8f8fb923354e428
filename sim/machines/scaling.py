"""More or fewer machines, as `fly scale count` makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from sim.machines.config import MachineConfig
from sim.machines.fleet import Fleet
from sim.machines.machine import Machine

_AT_ONCE = 5  # flyctl's bound of actions side by side


class Scaled(NamedTuple):
    """One machine that there is more or less."""

    action: Literal["created", "destroyed"]
    machine: Machine


async def scale(
    fleet: Fleet,
    machines: Sequence[Machine],
    counts: Mapping[str, int],
    config: MachineConfig | None = None,
) -> list[Scaled]:
    """Have as many of these machines in each region as `counts` says; what was done, in order.

    A new one has `config` (else the topology's); nobody waits for its health check, as flyctl does
    not. Of those that are too many the newest are killed. Raises what the first failure raised,
    after all was tried.
    """
    turns = asyncio.Semaphore(_AT_ONCE)
    done: list[Scaled] = []

    async def add(region: str) -> None:
        async with turns:
            machine = fleet.create(region, config)
            done.append(Scaled("created", machine))
            await fleet.start(machine, settled=False)
            fleet.accept(machine)

    async def remove(machine: Machine) -> None:
        async with turns:
            await fleet.destroy(machine)
            done.append(Scaled("destroyed", machine))

    acts = []
    for region, count in counts.items():
        have = [machine for machine in machines if machine.region == region]
        acts += [remove(machine) for machine in have[count:]]
        acts += [add(region) for _ in range(count - len(have))]
    for failure in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(failure, BaseException):
            raise failure
    return done
