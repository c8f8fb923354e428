"""Outages that are shorter than their load can tell. Pure.

A client that sends every second may miss one turn for many reasons. What is certain of its outage
is what goes beyond its pace; where that is less than the time between two messages, one turn came
late and no more is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.observe.ordinary import Pace
from sim.observe.outages import LocationOutage


def is_blip(group: LocationOutage, pace: Pace) -> bool:
    """Whether an outage is too short to tell: not even its worst client surely missed a turn."""
    certain_s = group.worst.seconds - pace.allowed(group.location, group.region)
    return certain_s < pace.every_s


def folded(groups: Sequence[LocationOutage], pace: Pace) -> list[bool]:
    """Which of them a report tells together in one line: all blips, where there are several."""
    flags = [is_blip(group, pace) for group in groups]
    return flags if sum(flags) > 1 else [False] * len(flags)
