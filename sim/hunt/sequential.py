"""A sequential test of whether something fails about as often as it should. Pure.

Wald's probability ratio: after each run it is accepted, refused, or tried once more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_HIGHEST = 0.95  # no rate is taken for certain: one run that held would refuse everything
_LOWEST = 0.1
_RATIO = 2.0  # a rate of half of it is refused
_SURE = math.log(0.85 / 0.15)  # both errors at most 15 %
MOST_RUNS = 8


def decision(failed: Sequence[bool], rate: float) -> bool | None:
    """Whether runs that failed or not fail at about that rate; None: not decided yet.

    What is not decided after MOST_RUNS is refused.
    """
    likely = min(_HIGHEST, max(_LOWEST, rate))
    unlikely = likely / _RATIO
    fails = sum(failed)
    ratio = fails * math.log(likely / unlikely)
    ratio += (len(failed) - fails) * math.log((1 - likely) / (1 - unlikely))
    if ratio >= _SURE:
        return True
    if ratio <= -_SURE or len(failed) >= MOST_RUNS:
        return False
    return None
