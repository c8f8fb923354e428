"""What goes on between places, counted as it happens, in bins of a second or so. Bounded.

An event costs a few additions, whatever the traffic. Latencies are counted in classes that are 5 %
wide, so a percentile is right to within 2.5 %.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable

BINS = 120  # kept of each pair of places
_CLASSES_PER_E = 20  # classes of latency for each factor of e


class Bin:
    """What happened between two places within one bin of time."""

    __slots__ = ("answers", "index", "latencies", "refused")

    def __init__(self, index: int) -> None:
        self.index = index
        self.answers = 0
        self.refused = 0
        self.latencies: Counter[int] = Counter()

    def answer(self, latency_ms: float) -> None:
        """An answer arrived."""
        self.answers += 1
        self.latencies[round(math.log(latency_ms) * _CLASSES_PER_E) if latency_ms > 0 else 0] += 1


class Series:
    """The last bins between two places; one in which nothing happened is left out."""

    __slots__ = ("_bins", "answers", "refused")

    def __init__(self) -> None:
        self._bins: deque[Bin] = deque(maxlen=BINS)
        self.answers = 0
        self.refused = 0

    def answer(self, index: int, latency_ms: float) -> None:
        """An answer arrived in this bin."""
        self.answers += 1
        self._bin(index).answer(latency_ms)

    def refuse(self, index: int) -> None:
        """A connection or a message was refused in this bin."""
        self.refused += 1
        self._bin(index).refused += 1

    def since(self, index: int) -> list[Bin]:
        """The bins from this one on, the oldest first."""
        found = []
        for one in reversed(self._bins):
            if one.index < index:
                break
            found.append(one)
        return found[::-1]

    def _bin(self, index: int) -> Bin:
        if not self._bins or self._bins[-1].index != index:
            self._bins.append(Bin(index))
        return self._bins[-1]


def percentiles(bins: Iterable[Bin], *percents: int) -> list[float | None]:
    """Latencies that so many percent of the answers do not exceed, in ms; None without any."""
    classes: Counter[int] = Counter()
    for one in bins:
        classes.update(one.latencies)
    total = classes.total()
    if not total:
        return [None for _ in percents]
    found: list[float | None] = []
    ordered = sorted(classes.items())
    for percent in percents:
        rank = max(1, math.ceil(total * percent / 100))
        for key, count in ordered:
            rank -= count
            if rank <= 0:
                found.append(round(math.exp(key / _CLASSES_PER_E), 1))
                break
    return found
