"""The alarm of a world: follows its journal, writes what the rules say to it, and tells receivers.

An alert is written in the loop's next turn, so that a journal's subscribers see it after its cause.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence

from sim.alerts.board import FiringAlert
from sim.alerts.channels import CommandContext
from sim.alerts.receivers import Receivers
from sim.alerts.rules import AlertRules
from sim.clock import Clock
from sim.observe.events import Alert
from sim.observe.journal import Journal, Record
from sim.topology.model import Topology

_AFTER_REAL_S = 0.01  # silence is judged once it has lasted too long, not when it is about to


class Alarm:
    """Watches from its making until `silence`; `close` then ends whoever is still being told."""

    def __init__(
        self, topology: Topology, around: CommandContext, clock: Clock, journal: Journal
    ) -> None:
        self._rules = AlertRules(topology, clock.speed)
        self._receivers = Receivers(topology, around, clock, journal)
        self._clock = clock
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = math.inf
        self._silent = False
        journal.subscribe(self._take)

    def __repr__(self) -> str:
        return f"<Alarm {self._rules!r}>"

    @property
    def standing(self) -> Sequence[FiringAlert]:
        """The alerts that stand now, the oldest first."""
        return list(self._rules.standing.values())

    def silence(self) -> None:
        """Watch no longer: what ends with the world alarms nobody."""
        self._silent = True
        if self._timer:
            self._timer.cancel()

    async def close(self) -> None:
        """Watch no longer, give what waits to be told a moment, and end every receiver."""
        self.silence()
        await self._receivers.stop()

    def _take(self, record: Record) -> None:
        if self._silent:
            return
        alerts = self._rules.take(record)
        if alerts:
            self._loop.call_soon(self._write, alerts)
        self._arm()

    def _arm(self) -> None:
        """Look when silence may be an alert, unless somebody does by then anyway."""
        due = self._rules.due
        if due >= self._armed_for:
            return
        if self._timer:
            self._timer.cancel()
        self._armed_for = due
        wait_s = due - self._clock.now() + _AFTER_REAL_S * self._clock.speed
        self._timer = self._clock.call_later(max(0.0, wait_s), self._look)

    def _look(self) -> None:
        self._armed_for = math.inf
        self._write(self._rules.overdue(self._clock.now()))
        self._arm()

    def _write(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if not self._silent:
                self._journal.write(alert)
                self._receivers.tell(self._clock.now(), alert)
