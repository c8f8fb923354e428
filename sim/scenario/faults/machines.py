"""Faults on machines, and their repairs.

crash   SIGKILL: connections end at once (FIN or RST from the kernel), new ones are refused.
stop    SIGTERM: the gateway may drain for `kill_timeout`, then it is killed.
start   boots what is down and waits until it passes its check.
freeze  SIGSTOP: the kernel still accepts, nothing is answered; connections hang.
thaw    SIGCONT: it goes on where it stopped, with all connections it still has.
disconnect
        its network is taken away, while it runs on. Containers only; docs/docker.md says what each
        end of a connection sees.
reconnect
        it has its network again, and what connections both ends still hold.
sicken  its health check fails from now on, while traffic through it works.
cure    its health check tells the truth again.
blind   the health checker cannot reach the region: its checks time out, while clients get through.
unblind the health checker reaches the region again.
deploy  a release is brought to the machines, as the topology's or its own strategy has it.
scale   a region has so many machines: new ones boot, the newest ones are killed first.
"""

from __future__ import annotations

import asyncio

from sim.deploys.release import Order
from sim.machines.lifecycle import State
from sim.scenario.faults.base import Breakable, Params, machines_at
from sim.scenario.model import Target


async def crash(world: Breakable, target: Target | None, params: Params) -> None:
    """Kill the machines that run."""
    del params
    up = [m for m in machines_at(world, target) if m.state == State.STARTED]
    await asyncio.gather(*(world.fleet.kill(machine) for machine in up))


async def stop(world: Breakable, target: Target | None, params: Params) -> None:
    """Stop the machines that run, and let them drain."""
    del params
    up = [m for m in machines_at(world, target) if m.state == State.STARTED]
    await asyncio.gather(*(world.fleet.stop(machine) for machine in up))


async def start(world: Breakable, target: Target | None, params: Params) -> None:
    """Boot the machines that are down."""
    del params
    down = [m for m in machines_at(world, target) if m.state == State.STOPPED]
    await asyncio.gather(*(world.fleet.start(machine) for machine in down))


async def freeze(world: Breakable, target: Target | None, params: Params) -> None:
    """Stop the machines dead."""
    del params
    for machine in machines_at(world, target):
        if machine.state == State.STARTED:
            await world.fleet.freeze(machine)


async def thaw(world: Breakable, target: Target | None, params: Params) -> None:
    """Let frozen machines go on."""
    del params
    for machine in machines_at(world, target):
        if machine.frozen:
            await world.fleet.thaw(machine)


async def disconnect(world: Breakable, target: Target | None, params: Params) -> None:
    """Cut the machines that run off from their network."""
    del params
    up = [m for m in machines_at(world, target) if m.state == State.STARTED and not m.cut_off]
    await asyncio.gather(*(world.fleet.disconnect(machine) for machine in up))


async def reconnect(world: Breakable, target: Target | None, params: Params) -> None:
    """Give machines that were cut off their network back."""
    del params
    apart = [m for m in machines_at(world, target) if m.cut_off]
    await asyncio.gather(*(world.fleet.reconnect(machine) for machine in apart))


async def sicken(world: Breakable, target: Target | None, params: Params) -> None:
    """Make the machines' checks fail."""
    del params
    for machine in machines_at(world, target):
        world.health.sicken(machine.id)


async def cure(world: Breakable, target: Target | None, params: Params) -> None:
    """Make the machines' checks tell the truth again."""
    del params
    for machine in machines_at(world, target):
        world.health.cure(machine.id)


async def blind(world: Breakable, target: Target | None, params: Params) -> None:
    """Hide a region from the health checker."""
    del params
    for region in _regions_at(world, target):
        world.health.blind(region)


async def unblind(world: Breakable, target: Target | None, params: Params) -> None:
    """Let the health checker see a region again."""
    del params
    for region in _regions_at(world, target):
        world.health.unblind(region)


def _regions_at(world: Breakable, target: Target | None) -> list[str]:
    return list(world.topology.regions) if target is None else [str(target.value)]


async def deploy(world: Breakable, target: Target | None, params: Params) -> None:
    """Bring a release to the machines: the same one again, unless the parameters say otherwise.

    One that fails has been done all the same: how it ended is in the journal.
    """
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


async def scale(world: Breakable, target: Target | None, params: Params) -> None:
    """Add or remove machines of a region until it has `count`."""
    region = str(target.value) if target else world.topology.primary.code
    have = world.fleet.in_region(region)
    missing = params["count"] - len(have)
    new = [world.fleet.create(region) for _ in range(missing)]
    surplus = have[params["count"] :]
    await asyncio.gather(
        world.fleet.start_all(new), *(world.fleet.destroy(machine) for machine in surplus)
    )
