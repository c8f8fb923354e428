"""Many values at eight bytes each, with their exact percentiles. Pure."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable

_MOST = 4096  # of one sorted part


class Sample:
    """Many values, in parts that are sorted when they are full."""

    __slots__ = ("_latest", "_parts")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._parts: list[array[float]] = []
        self._latest = array("d")
        for value in values:
            self.add(value)

    def __repr__(self) -> str:
        return f"<Sample of {len(self)}>"

    def add(self, value: float) -> None:
        """Take a value in."""
        self._latest.append(value)
        if len(self._latest) == _MOST:
            self._parts.append(array("d", sorted(self._latest)))
            self._latest = array("d")

    def __len__(self) -> int:
        return len(self._parts) * _MOST + len(self._latest)

    def percentile(self, percent: float) -> float:
        """The value that `percent` of them do not exceed (nearest rank)."""
        parts = [*self._parts, array("d", sorted(self._latest))] if self._latest else self._parts
        place = rank(len(self), percent)
        # More than `place` of them are at most `high`, of `low` that is not so.
        high = max(part[-1] for part in parts)
        low = math.nextafter(min(part[0] for part in parts), -math.inf)
        while (middle := low + (high - low) / 2) not in (low, high):
            if sum(bisect_right(part, middle) for part in parts) > place:
                high = middle
            else:
                low = middle
        return high


def rank(number: int, percent: float) -> int:
    """Which of so many ordered values is that percentile, counted from 0."""
    return int(max(1, -(-number * percent // 100))) - 1
