"""Faults on machines, and their repairs."""

from __future__ import annotations

import asyncio

from sim.machines import breaking
from sim.machines.lifecycle import State
from sim.machines.starts import start_all
from sim.scenario.faults.breakable import Breakable, machines_at
from sim.scenario.faults.fault_spec import MACHINES, Params, fault
from sim.scenario.model import Target
from sim.scenario.params import Param, choice


@fault(
    "crash",
    on=MACHINES,
    ended_by={"start"},
    summary="SIGKILL: connections end at once, new ones are refused (503 from the edge)",
)
async def crash(world: Breakable, target: Target | None, params: Params) -> None:
    """Kill the machines that run."""
    del params
    up = [m for m in machines_at(world, target) if m.state == State.STARTED]
    await asyncio.gather(*(world.fleet.kill(machine) for machine in up))


@fault(
    "stop",
    on=MACHINES,
    ended_by={"start"},
    summary="`kill_signal` (SIGINT) to the main process alone: the gateway may drain for"
    " `kill_timeout`, then SIGKILL to all of the machine",
)
async def stop(world: Breakable, target: Target | None, params: Params) -> None:
    """Stop the machines that run, and let them drain."""
    del params
    up = [m for m in machines_at(world, target) if m.state == State.STARTED]
    await asyncio.gather(*(world.fleet.stop(machine) for machine in up))


@fault(
    "start",
    on=MACHINES,
    effect="repairs",
    summary="boots what is down; in rotation once its check passes",
)
async def start(world: Breakable, target: Target | None, params: Params) -> None:
    """Boot the machines that are down; a host that was lost is back."""
    del params
    for machine in machines_at(world, target):
        breaking.return_host(machine)
    down = [m for m in machines_at(world, target) if m.state in (State.STOPPED, State.FAILED)]
    await start_all(world.fleet, down)


@fault(
    "freeze",
    on=MACHINES,
    params=(Param("scope", "scope", choice("process", "host"), default="process"),),
    ended_by={"thaw", "heal"},
    summary="SIGSTOP: the kernel still accepts connections, and nothing is answered. With `scope: "
    "host` the kernel stands still too: `connect` times out, and nothing is acknowledged",
)
async def freeze(world: Breakable, target: Target | None, params: Params) -> None:
    """Stop the machines dead."""
    host = params.get("scope") == "host"
    for machine in machines_at(world, target):
        if machine.state == State.STARTED:
            await breaking.freeze(world.fleet, machine, host=host)


@fault(
    "thaw",
    on=MACHINES,
    effect="repairs",
    summary="SIGCONT: a frozen machine goes on where it stopped, with the connections it still has",
)
async def thaw(world: Breakable, target: Target | None, params: Params) -> None:
    """Let frozen machines go on."""
    del params
    for machine in machines_at(world, target):
        if machine.frozen:
            await breaking.thaw(machine)


@fault(
    "disconnect",
    on=MACHINES,
    containers=True,
    ended_by={"reconnect", "heal"},
    summary="the machine runs on without a network. Containers only: "
    "[docker.md](docker.md) says what each end sees",
)
async def disconnect(world: Breakable, target: Target | None, params: Params) -> None:
    """Cut the machines that run off from their network."""
    del params
    up = [m for m in machines_at(world, target) if m.state == State.STARTED and not m.cut_off]
    await asyncio.gather(*(breaking.disconnect(world.fleet, machine) for machine in up))


@fault(
    "reconnect",
    on=MACHINES,
    containers=True,
    effect="repairs",
    summary="a disconnected machine has its network again, and what connections both ends hold",
)
async def reconnect(world: Breakable, target: Target | None, params: Params) -> None:
    """Give machines that were cut off their network back."""
    del params
    apart = [m for m in machines_at(world, target) if m.cut_off]
    await asyncio.gather(*(breaking.reconnect(machine) for machine in apart))


@fault(
    "host",
    on=MACHINES,
    ended_by={"start"},
    summary="the machines' host is lost: they are gone at once, and nothing starts them elsewhere; "
    "machines that stand by for them are started",
)
async def host(world: Breakable, target: Target | None, params: Params) -> None:
    """Lose the host of the machines."""
    del params
    await breaking.lose_host(world.fleet, machines_at(world, target))
