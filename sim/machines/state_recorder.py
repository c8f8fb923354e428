"""Where a machine's changes of state are made and told: in the journal, in its events, to others.

Nothing else may change a machine's state, so nothing that is so can be missing in the journal.
"""

from __future__ import annotations

import asyncio
import signal as signals
from collections.abc import Callable, Sequence

from sim.clock import Clock
from sim.machines.lifecycle import Action
from sim.machines.machine import Machine, Source
from sim.machines.stopping import Stopped
from sim.observe.events import MachineChanged, MachineDied, MachineStopped
from sim.observe.events.releases import MachineBooted
from sim.observe.journal import Journal
from sim.processes.exit import Exit

# Fly's names of what happened, where they are not the action's own. What a person asks for is
# the user's, what follows from it is the platform's.
_EVENT = {Action.READY: "start", Action.START_FAILED: "exit", Action.EXITED: "exit"}
_EVENT |= {Action.SUSPENDED: "suspend", Action.DESTROYED: "destroy"}


class StateRecorder:
    """Applies actions to machines, and tells whoever listens."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._listeners: list[Callable[[Machine], None]] = []
        self._news = asyncio.Event()

    def on_change(self, listener: Callable[[Machine], None]) -> None:
        """Call `listener(machine)` after every change of a machine, once it was journaled."""
        self._listeners.append(listener)

    async def news(self) -> None:
        """Wait until the next change, of any machine."""
        await self._news.wait()

    def made(self, machine: Machine) -> None:
        """A machine is there that was not."""
        machine.created_s = self._clock.now()
        machine.happened("launch", machine.created_s)
        self.tell(machine)

    def change(
        self,
        machine: Machine,
        action: Action,
        reason: str = "",
        *,
        source: Source = "user",
        end: Exit | None = None,
        asked: bool = False,
        restarts: int = 0,
    ) -> None:
        """Take a machine to the state that follows. Raises IllegalTransitionError."""
        machine.apply(action)
        kind = _EVENT.get(action)
        machine.happened(
            kind or str(action),
            self._clock.now(),
            source="flyd" if kind else source,
            end=end,
            asked=asked,
            restarts=restarts,
        )
        self.tell(machine, reason)

    def booted(self, machine: Machine) -> None:
        """Journal that its program has begun, and with what. Its state follows."""
        image = machine.config.image or ""
        self._journal.write(
            MachineBooted(machine.id, machine.region, image, machine.secrets_version)
        )

    def died(self, machine: Machine, end: Exit, last_lines: Sequence[str]) -> None:
        """Journal that its run ended and nobody had asked for it. Its state follows."""
        self._journal.write(
            MachineDied(
                machine.id,
                machine.region,
                str(end),
                code=end.code,
                signal=end.signal,
                oom=end.oom,
                last_lines=tuple(last_lines),
            )
        )

    def stopped(self, machine: Machine, stopped: Stopped, why: str, *, frozen: bool) -> None:
        """Journal how its run took being asked to end. Its state is told apart."""
        end, handling = stopped.end, stopped.handling
        self._journal.write(
            MachineStopped(
                machine.id,
                machine.region,
                why,
                stopped.order.signal.name,
                given_s=stopped.order.given_s,
                took_s=round(stopped.took_s, 6),
                killed=stopped.killed,
                end=str(end),
                end_signal=None if end.signal is None else signals.Signals(end.signal).name,
                caught=handling.caught if handling else None,
                ignored=handling.ignored if handling else None,
                frozen=frozen,
            )
        )

    def tell(self, machine: Machine, reason: str = "") -> None:
        """Journal the state that a machine is in, and why."""
        self._journal.write(MachineChanged(machine.id, machine.region, str(machine.state), reason))
        self.changed(machine)

    def changed(self, machine: Machine) -> None:
        """Something about a machine is not as it was."""
        machine.updated_s = self._clock.now()
        for listener in self._listeners:
            listener(machine)
        self._news.set()
        self._news = asyncio.Event()
