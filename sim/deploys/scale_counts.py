"""How many machines each region gets when an app is scaled, by flyctl's rules. Pure.

The count is the total over the regions that are named, not of each. What is missing is added to one
region after another in their order; what is too much is taken from the last one backwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import cycle

from sim.errors import InputError


def wanted(count: str, have: int) -> int:
    """The total that `3`, `+1` or `-2` asks for. Raises InputError."""
    if not re.fullmatch(r"[+-]?\d{1,4}", count):
        raise InputError(f"found {count!r}; write a number of machines, such as 2, +1 or -1")
    number = int(count)
    return max(0, have + number) if count[0] in "+-" else number


def spread(
    have: Mapping[str, int], regions: Sequence[str], total: int, most: int | None = None
) -> dict[str, int]:
    """How many machines each of these regions has afterwards. Regions not named stay as they are.

    `most` is of each region. Raises InputError where that leaves no room for the total.
    """
    counts = {region: have.get(region, 0) for region in regions}
    if most is not None:
        if total > most * len(counts):
            raise InputError(
                f"{total} machines do not fit into {len(counts)} regions of {most} at most;"
                " name more regions, or allow more in each"
            )
        counts = {region: min(count, most) for region, count in counts.items()}
    forwards, backwards = cycle(counts), cycle(reversed(counts))
    while sum(counts.values()) < total:
        region = next(forwards)
        counts[region] += most is None or counts[region] < most
    while sum(counts.values()) > total:
        region = next(backwards)
        counts[region] -= counts[region] > 0
    return counts
