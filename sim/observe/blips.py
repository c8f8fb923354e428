"""Outages that are shorter than their load can tell. Pure.

A client that sends every second may miss one turn for many reasons. What is certain of its outage
is what goes beyond its pace; where that is less than the time between two messages, one turn came
late and no more is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.observe.gap_rule import GapRule
from sim.observe.outages import LocationOutage


def is_blip(group: LocationOutage, rule: GapRule) -> bool:
    """Whether an outage is too short to tell: not even its worst client surely missed a turn."""
    certain_s = group.worst.seconds - rule.allowed(group.location, group.region)
    return certain_s < rule.every_s


def folded(groups: Sequence[LocationOutage], rule: GapRule) -> list[bool]:
    """Which of them a report tells together in one line: all blips, where there are several."""
    flags = [is_blip(group, rule) for group in groups]
    return flags if sum(flags) > 1 else [False] * len(flags)
