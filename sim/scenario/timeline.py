"""The time of a scenario that somebody may hold: while it is held, nothing further of it is due.

What is held is the timeline alone: the faults to come, and the end. The world goes on meanwhile,
and so does the load: clients send, caches and health checks run out, and a fault that was done
lasts. So what a held scenario shows is not what its file describes, and nobody should judge it.
"""

from __future__ import annotations

import asyncio

from sim.clock import Clock

_MOST_S = 86_400.0  # of one wait; an end that never comes is waited for again and again


class Timeline:
    """Simulated seconds since `begin`, without those for which it was held."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._since: float | None = None  # held since then
        self._changed = asyncio.Event()
        self.held_s = 0.0
        self.over = False

    def __repr__(self) -> str:
        how = "over" if self.over else "held" if self.held else "running"
        return f"<Timeline {how} at {self.now():.1f} s>"

    def begin(self) -> None:
        """Count from this instant on."""
        self._start = self._clock.now()

    @property
    def held(self) -> bool:
        """Whether it stands still."""
        return self._since is not None

    @property
    def was_held(self) -> bool:
        """Whether it ever stood still."""
        return self.held or self.held_s > 0

    def now(self) -> float:
        """Where it stands."""
        until = self._clock.now() if self._since is None else self._since
        return until - self._start - self.held_s

    def hold(self) -> None:
        """Stand still from now on."""
        if self._since is None:
            self._since = self._clock.now()
            self._tell()

    def release(self) -> None:
        """Go on."""
        if self._since is not None:
            self.held_s += self._clock.now() - self._since
            self._since = None
            self._tell()

    def end(self) -> None:
        """End it now: whoever waits for an instant waits no longer."""
        self.over = True
        self._tell()

    async def until(self, at_s: float) -> bool:
        """Wait for an instant. False where the end came first."""
        while not self.over:
            changed = self._changed
            left_s = at_s - self.now()
            if not self.held and left_s <= 0:
                return True
            try:
                async with self._clock.timeout(_MOST_S if self.held else min(left_s, _MOST_S)):
                    await changed.wait()
            except TimeoutError:
                continue
        return False

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
