"""What breaks a machine without ending it, and what mends that; and the loss of its host."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.runs import started
from sim.machines.starts import start_all


async def freeze(fleet: Fleet, machine: Machine, *, host: bool = False) -> None:
    """SIGSTOP: it accepts connections and answers nothing. Its state stays as it is.

    With its `host` its kernel stands still too. Raises InputError where that cannot be had.
    """
    await started(machine, "freeze").freeze(host=host)
    machine.frozen = fleet.runs.up(machine)


async def thaw(machine: Machine) -> None:
    """SIGCONT: a frozen machine goes on where it was."""
    await started(machine, "thaw").thaw()
    machine.frozen = False


async def disconnect(fleet: Fleet, machine: Machine) -> None:
    """Cut it off from its network; its state stays. Raises InputError for a process."""
    await started(machine, "disconnect").disconnect()
    machine.cut_off = fleet.runs.up(machine)


async def reconnect(machine: Machine) -> None:
    """Put one that was cut off back into its network."""
    await started(machine, "reconnect").reconnect()
    machine.cut_off = False


async def lose_host(fleet: Fleet, machines: Sequence[Machine], why: str = "killed") -> None:
    """Their host is gone, and they with it; as at Fly they are not run on another.

    Machines that stand by for one of them are started. Raises StartError where one does not
    come up.
    """
    for machine in machines:
        machine.host_lost = True
    await asyncio.gather(*(fleet.kill(machine, why) for machine in machines))
    lost = {machine.id for machine in machines}
    standbys = [
        machine
        for machine in fleet.machines.values()
        if lost & {*machine.config.standbys}
        and machine.state in (State.CREATED, State.STOPPED)
        and not machine.host_lost
    ]
    await start_all(fleet, standbys)


def return_host(machine: Machine) -> None:
    """Its host is back: it may be started again."""
    machine.host_lost = False
