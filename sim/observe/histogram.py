"""A histogram: how many values were at most each bound, and their sum, as Prometheus has them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

# Prometheus' own default: seconds from a local answer to a timeout.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """Counts values by bounds; what exceeds the last bound is counted too."""

    __slots__ = ("_counts", "bounds", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def __repr__(self) -> str:
        return f"<Histogram of {sum(self._counts)}>"

    def __add__(self, other: Histogram) -> Histogram:
        """Both together; of the same bounds."""
        both = Histogram(self.bounds)
        both.sum = self.sum + other.sum
        both._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        return both

    def observe(self, value: float) -> None:
        """Take a value in."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def cumulative(self) -> list[int]:
        """The number of values up to each bound; the last number is of all values."""
        return list(accumulate(self._counts))
