"""When what takes long will be over, as a person is told: from what it has taken so far."""

from __future__ import annotations

import math
from collections.abc import Callable

from sim.clock import real_ns


def rough(seconds: float) -> str:
    """Seconds as a person says them: `40 s`, `12 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _real_s() -> float:
    return real_ns()[0] / 1e9


class Remaining:
    """Of runs of about the same length, `at_once` side by side: how long the rest takes.

    Its own time, which is real, begins when it is made. `total` may be corrected on the way.
    """

    def __init__(
        self, total: float, at_once: int = 1, now_s: Callable[[], float] = _real_s
    ) -> None:
        self.total = total
        self._at_once = at_once
        self._now_s = now_s
        self._began_s = now_s()
        self._done = 0

    def after(self, runs: int = 1) -> str:
        """What to add to the line of a run that has ended: `; about 3 min left`, or nothing.

        A run that had the machine to itself counts as the `runs` that would have been beside it.
        """
        self._done += runs
        left = self.total - self._done
        if left <= 0:
            return ""
        # Of those side by side the first to end says as much of the rest as the last.
        each_s = (self._now_s() - self._began_s) / math.ceil(self._done / self._at_once)
        return f"; about {rough(each_s * left / self._at_once)} left"
