"""What all edges of a world know together: how much every machine carries, and that it changed."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

Wake = Callable[[str], Awaitable[None]]
"""Start a machine by its id, and wait until it can serve. Raises SimError."""


class Loads:
    """How many connections each machine has, true at any instant.

    Fly's proxies learn such things from each other within moments; here all edges share one count.
    `wake` starts a machine that sleeps; without it a request wakes none. `stops`: machines may be
    stopped for lack of load, and what they carry is then cut.
    """

    def __init__(self, wake: Wake | None = None, *, stops: bool = False) -> None:
        self.wake = wake
        self.stops = stops
        self._open: Counter[str] = Counter()
        # What ends each thing that a machine carries, by the task that carries it.
        self._ends: defaultdict[str, dict[asyncio.Task[Any], Callable[[], object]]]
        self._ends = defaultdict(dict)
        self._arrivals = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}

    def __repr__(self) -> str:
        return f"<Loads {dict(self._open)}>"

    @property
    def by_machine(self) -> Mapping[str, int]:
        """The count of each machine that has any."""
        return MappingProxyType(self._open)

    def enter(self, machine: str) -> None:
        """Count one more for a machine: what the present task carries."""
        self._open[machine] += 1
        if task := asyncio.current_task():
            self._ends[machine][task] = task.cancel

    def leave(self, machine: str) -> None:
        """Count one less for a machine, and let whoever waits for a place look again."""
        self._open[machine] -= 1
        if task := asyncio.current_task():
            self._ends[machine].pop(task, None)
        if not self._open[machine]:
            del self._open[machine], self._ends[machine]
        self.changed()

    def leave_by(self, machine: str, end: Callable[[], object]) -> None:
        """Say how `cut` is to end what the present task carries, other than by cancelling it."""
        if task := asyncio.current_task():
            self._ends[machine][task] = end

    def cut(self, machine: str) -> None:
        """End everything that a machine carries: it is about to hear nothing any more."""
        for end in tuple(self._ends.get(machine, {}).values()):
            end()

    def changed(self) -> None:
        """Let those who wait look again: what decides has changed, such as health."""
        waiting, self._waiting = self._waiting, {}
        for arrival in sorted(waiting):
            if not waiting[arrival].done():
                waiting[arrival].set_result(None)

    def arrive(self) -> int:
        """A number for a request that may have to wait: who came first looks first."""
        self._arrivals += 1
        return self._arrivals

    async def news(self, arrival: int) -> None:
        """Wait for the next change."""
        self._waiting[arrival] = news = asyncio.get_running_loop().create_future()
        try:
            await news
        finally:
            if self._waiting.get(arrival) is news:
                del self._waiting[arrival]
