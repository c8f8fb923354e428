"""Timers that are on time: asyncio's own are rounded up to the next millisecond.

The loop hands epoll a timeout in whole milliseconds. A Linux timerfd is a descriptor that becomes
readable at an instant, to the microsecond; one of them, armed for the earliest timer, serves all.
Where there is none, or the loop's time is not the kernel's monotonic clock (virtual time), the
loop's own timers do.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import itertools
import os
import struct
from collections.abc import Callable

from sim.clock import Clock

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_TFD_TIMER_ABSTIME = 1
_ITIMERSPEC = struct.Struct("@qqqq")  # interval (s, ns), value (s, ns)


class _TimerDescriptor:
    """A timerfd of the kernel's monotonic clock. Raises OSError where there is none."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "timerfd_create"):
            raise OSError("no timerfd on this system")
        self.fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")

    def arm(self, when: float) -> None:
        """Become readable at `when`, at once if that is past."""
        nanoseconds = max(1, int(when * 1e9))
        value = _ITIMERSPEC.pack(0, 0, *divmod(nanoseconds, 1_000_000_000))
        self._libc.timerfd_settime(self.fd, _TFD_TIMER_ABSTIME, value, None)

    def close(self) -> None:
        os.close(self.fd)


class Timer:
    """One callback at one instant, until it is cancelled."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Never call back."""
        self.callback = None


class Timers:
    """All timers of one link server, in the seconds of its clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._armed_for = float("inf")
        self._handle: asyncio.TimerHandle | None = None
        self._descriptor: _TimerDescriptor | None = None
        if type(self._loop).time is asyncio.BaseEventLoop.time:
            try:
                self._descriptor = _TimerDescriptor()
            except OSError:
                return
            self._loop.add_reader(self._descriptor.fd, self._descriptor_ready)

    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back at `when`, an instant of the clock."""
        timer = Timer(when, callback)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        if when < self._armed_for:
            self._arm(when)
        return timer

    def close(self) -> None:
        """Call back no more."""
        self._heap.clear()
        if self._handle:
            self._handle.cancel()
            self._handle = None
        if self._descriptor:
            self._loop.remove_reader(self._descriptor.fd)
            self._descriptor.close()
            self._descriptor = None

    def _arm(self, when: float) -> None:
        self._armed_for = when
        if self._descriptor:
            self._descriptor.arm(self._clock.loop_time(when))
            return
        if self._handle:
            self._handle.cancel()
        self._handle = self._loop.call_at(self._clock.loop_time(when), self._run)

    def _descriptor_ready(self) -> None:
        try:
            os.read(self._descriptor.fd, 8)  # type: ignore[union-attr] # it is what was ready
        except BlockingIOError:
            return  # armed anew since it was ready
        self._run()

    def _run(self) -> None:
        self._armed_for = float("inf")
        now = self._clock.now()
        # Only what is due now: a callback may set a timer for an instant that is already past.
        due: list[Timer] = []
        while self._heap and (self._heap[0][0] <= now or not self._heap[0][2].callback):
            due.append(heapq.heappop(self._heap)[2])
        for timer in due:
            if timer.callback:
                timer.callback()
        if self._heap and self._heap[0][0] < self._armed_for:
            self._arm(self._heap[0][0])
