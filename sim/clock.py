"""The one clock: every wait and timestamp of a world goes through it.

Simulated seconds run `speed` times as fast as real ones, for the control plane (check intervals,
TTLs, backoff, the timeline) and for the links. What processors do is real: a program that computes
for a millisecond has taken `speed` simulated ones.

The clock reads the event loop's time and nothing else. Under a VirtualTimeLoop the same code
therefore runs in virtual time: a wait costs nothing, and the same seed gives the same journal.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from _typeshed import FileDescriptorLike


def real_ns() -> tuple[int, int]:
    """The host's own clocks in nanoseconds: the monotonic one, and the calendar's since 1970."""
    return time.monotonic_ns(), time.time_ns()


class Clock:
    """Simulated time since the clock was made, in seconds, inside a running event loop.

    Machines' calendars run `calendar_speed` times as fast as this host's.
    """

    def __init__(self, speed: float = 1.0, calendar_speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self.speed = speed
        self._calendar_speed = calendar_speed
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._began_unix_s = time.time()

    def __repr__(self) -> str:
        return f"<Clock {self.now():.3f} s, speed {self.speed:g}>"

    def now(self) -> float:
        """Simulated seconds since this clock was made."""
        return (self._loop.time() - self._start) * self.speed

    def unix_s(self, instant: float) -> float:
        """The calendar's time of an instant: real seconds since 1970, whatever the speed.

        For clients of an API of somebody else's, who compare it with their own calendar. It is in
        no journal, because no seed brings it back.
        """
        return self._began_unix_s + instant / self.speed

    def calendar_s(self) -> float:
        """Seconds since 1970 by the calendars of machines: how a token for them has to be dated."""
        return self._began_unix_s + (self._loop.time() - self._start) * self._calendar_speed

    @property
    def began_ns(self) -> int:
        """The host's monotonic clock at the instant 0."""
        return round(self._start * 1e9)

    def real_ms(self) -> float:
        """Real milliseconds from an arbitrary origin: differences of it are latencies."""
        return self._loop.time() * 1000.0

    def loop_time(self, instant: float) -> float:
        """When an instant is, in the event loop's time."""
        return self._start + instant / self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait for that many simulated seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    async def sleep_until(self, instant: float) -> None:
        """Wait until `now()` is at least `instant`."""
        await self.sleep(instant - self.now())

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Raise TimeoutError in the `async with` block after that many simulated seconds."""
        return _Timeout(seconds / self.speed)

    def call_later(self, seconds: float, callback: object, *args: object) -> asyncio.TimerHandle:
        """Call `callback(*args)` after that many simulated seconds."""
        return self._loop.call_later(seconds / self.speed, callback, *args)  # type: ignore[arg-type]


class _Timeout:
    """asyncio.timeout, whose timer is begun here and not by whoever enters the block.

    What a driver begins by itself counts simulated seconds of its own (`clients.own_timers`).
    """

    def __init__(self, real_s: float) -> None:
        self._timeout = asyncio.timeout(real_s)

    async def __aenter__(self) -> asyncio.Timeout:
        return await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._timeout.__aexit__(kind, error, traceback)


class _JumpingSelector(selectors.BaseSelector):
    """Polls real descriptors; where the loop would wait for a timer, time jumps instead."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            # No timer is due ever: only a real descriptor (a thread's wake-up) can go on.
            return self._real.select(None)
        ready = self._real.select(0)
        if not ready and timeout > 0:
            self.now += timeout
        return ready

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers cost no real time: when nothing is ready, time jumps on.

    Runs are reproducible as long as nothing in them waits for a thread or a socket.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now
