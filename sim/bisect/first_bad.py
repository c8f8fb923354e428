"""Halving a line of releases, with as many runs of each as it takes to be sure. Pure but for runs.

What cannot be decided (it does not come up, its verdicts are unknown) is passed over, as by
`git bisect skip`: then the first bad one is one of several.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

_MISSED = 0.01  # how likely a bad release may be taken for a good one
_HIGHEST = 0.95  # no rate is taken for certain
_MOST_UNKNOWN = 5  # runs of a release that decide nothing

# One run of the release of that number: did the verdict fail; None where it is unknown.
Fails = Callable[[int], Awaitable[bool | None]]


async def measured(number: int, times: int, fails: Fails) -> tuple[int, int]:
    """How often it failed, of how many runs that were decided."""
    runs = [await fails(number) for _ in range(times)]
    return sum(run is True for run in runs), sum(run is not None for run in runs)


def _held_runs(rate: float) -> int:
    """In so many runs one that fails at that rate holds each time in less than 1 % of cases."""
    return math.ceil(math.log(_MISSED) / math.log(1 - min(rate, _HIGHEST)))


async def bad(number: int, rate: float, fails: Fails) -> bool | None:
    """Whether a release is bad, where bad ones fail at about that rate and good ones never do.

    One failure tells; a bad one holds so often in a row in less than 1 % of cases. None where
    runs do not tell.
    """
    needed = _held_runs(rate)
    held = 0
    for _ in range(needed + _MOST_UNKNOWN):
        failed = await fails(number)
        if failed:
            return True
        held += failed is False
        if held == needed:
            return False
    return None


def usual_runs(count: int, rate: float) -> float:
    """About how many runs `first_bad` takes: half of the releases it looks at are bad ones."""
    looks = math.ceil(math.log2(max(1, count - 1)))
    return looks * (_held_runs(rate) + 1 / rate) / 2


async def first_bad(count: int, rate: float, fails: Fails) -> Sequence[int]:
    """Of releases 0 (good) to `count` - 1 (bad) the first bad one, or those that it may be."""
    good, worst = 0, count - 1
    skipped: set[int] = set()
    while left := [n for n in range(good + 1, worst) if n not in skipped]:
        middle = min(left, key=lambda n: abs(2 * n - good - worst))
        match await bad(middle, rate, fails):
            case True:
                worst = middle
            case False:
                good = middle
            case None:
                skipped.add(middle)
    return range(good + 1, worst + 1)
