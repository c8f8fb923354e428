"""How a run of a machine is asked to end: a signal, time to drain, and SIGKILL after that."""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass

from sim.clock import Clock
from sim.machines.runtime import Instance
from sim.processes.exit import Exit
from sim.processes.proc import Handling


@dataclass(frozen=True)
class StopOrder:
    """The signal to end on, and how long a run may drain then, in simulated seconds."""

    signal: signals.Signals
    given_s: float


@dataclass(frozen=True)
class Stopped:
    """How a run took it. `killed`: it had not ended in time.

    `took_s` is from the signal to the end, in simulated seconds; `handling` is how its main process
    took signals just before, where that could be seen.
    """

    order: StopOrder
    end: Exit
    took_s: float
    killed: bool
    handling: Handling | None


async def stop(instance: Instance, order: StopOrder, clock: Clock) -> Stopped:
    """Ask a run to end, and kill it if it has not in time."""
    handling = await instance.handling()
    began = clock.now()
    await instance.terminate(order.signal)
    killed = False
    try:
        async with clock.timeout(order.given_s):
            end = await instance.exited()
    except TimeoutError:
        killed = True
        end = await instance.kill()
    return Stopped(order, end, clock.now() - began, killed, handling)
