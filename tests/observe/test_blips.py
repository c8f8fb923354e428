"""Which outages are too short for their load."""

from __future__ import annotations

import pytest

from sim.observe.blips import folded
from sim.observe.gap_rule import GapRule
from sim.observe.outages import LocationOutage, Outage

GAP_RULE = GapRule(every_s=1.0, rtt_s={("london", "fra"): 0.15})  # a gap of 2.15 s is ordinary


def group(*seconds):
    clients = [
        Outage(f"london/{n}", "london", "fra", "fra", 0, length, length, 0, 0, 0)
        for n, length in enumerate(seconds)
    ]
    return LocationOutage("london", "fra", clients)


@pytest.mark.parametrize(
    ("groups", "flags"),
    [
        ([group(3.1), group(2.2)], [True, True]),
        ([group(3.1), group(2.2, 3.2), group(2.5)], [True, False, True]),  # its worst counts
        ([group(2.2), group(40.0)], [False, False]),  # one line is as good as another
        ([], []),
    ],
)
def test_two_or_more_in_which_no_full_turn_is_certain_are_told_in_one_line(groups, flags):
    assert folded(groups, GAP_RULE) == flags
