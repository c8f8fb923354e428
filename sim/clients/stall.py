"""A watch on the simulator itself: where its loop ran late, gaps that short prove nothing."""

from __future__ import annotations

import asyncio

from sim.clock import Clock
from sim.observe.events import HostStalled
from sim.observe.journal import Journal

_EVERY_REAL_MS = 50.0
_LATE_REAL_MS = 50.0


class StallWatch:
    """Journals HostStalled when the event loop ran late by more than 50 real milliseconds."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._timer: asyncio.TimerHandle | None = None
        self._due_real_ms = 0.0

    def start(self) -> None:
        """Begin to watch."""
        self._due_real_ms = self._clock.real_ms() + _EVERY_REAL_MS
        every_s = _EVERY_REAL_MS / 1000.0 * self._clock.speed
        self._timer = self._clock.call_later(every_s, self._look)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        late_ms = self._clock.real_ms() - self._due_real_ms
        if late_ms > _LATE_REAL_MS:
            self._journal.write(HostStalled(round(late_ms, 1)))
        self.start()
