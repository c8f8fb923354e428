"""A driver's own timers count simulated seconds: asyncio's `sleep`, `timeout` and the like.

A driver is written against asyncio and aiohttp as any program is. If its timers were real, a second
of patience would be ten at speed 10, and a gateway that answers late would look well, or one that
the driver does not ask look dead.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextvars import Context, ContextVar

from sim.clients.blame import begun_by_driver

_speed: ContextVar[float] = ContextVar("speed", default=1.0)


def count_simulated(speed: float) -> None:
    """Let timers that a driver begins in this task, or in those that it begins, count simulated."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop.call_at, _CallAt):
        loop.call_at = _CallAt(loop)  # type: ignore[method-assign] # asyncio has no hook for it
    _speed.set(speed)


class _CallAt:
    """An event loop's `call_at`, through which all timers of asyncio go."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time = loop.time
        self._call_at = loop.call_at

    def __call__(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        speed = _speed.get()
        if speed != 1.0 and begun_by_driver(sys._getframe(1)):  # noqa: SLF001 - the documented way
            now = self._time()
            when = now + (when - now) / speed
        return self._call_at(when, callback, *args, context=context)
