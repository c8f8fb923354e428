"""What a passage proves: also of a gateway that nobody can ask what it stored."""

from __future__ import annotations

import pytest

from sim.cli.sweep import _found, _row
from sim.sweep.boundaries import IDLE, Boundary
from sim.sweep.sweep import Passage

CLEAN = Passage(
    boundary=Boundary("idle", IDLE),
    machines=("fra m1",),
    outage_s=8.2,
    lost=0,
    duplicated=0,
    reordered=0,
    forgot=0,
    refused=0,
    unanswered=0,
    came_back=True,
    ack_ms=20.0,
    why_unknown="",
    why_unstored="",
    askable=True,
)
UNASKABLE = {"why_unstored": "nobody knows", "askable": False}


def passage(**changes):
    return Passage(**{**vars(CLEAN), **changes})


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "held"),
        ({"lost": 1}, "failed"),
        ({"came_back": False}, "failed"),
        ({"refused": 2, "unanswered": 1}, "held"),
        ({"why_unstored": "the driver misnumbers"}, "unknown"),
        ({"why_unstored": "the driver misnumbers", "lost": 1}, "failed"),
        (UNASKABLE, "unknown"),
        ({**UNASKABLE, "forgot": 1}, "failed"),
        ({**UNASKABLE, "came_back": False}, "failed"),
        ({**UNASKABLE, "came_back": False, "why_unknown": "never reached"}, "unknown"),
    ],
)
def test_verdict(changes, verdict):
    assert passage(**changes).verdict == verdict


@pytest.mark.parametrize(
    ("changes", "sound"),
    [
        ({}, True),
        (UNASKABLE, True),
        ({**UNASKABLE, "forgot": 1}, False),
        ({**UNASKABLE, "why_unknown": "the client never connected"}, False),
        ({"why_unstored": "status 500"}, False),
    ],
)
def test_an_undisturbed_session_is_sound_also_where_nobody_can_ask(changes, sound):
    assert passage(boundary=None, machines=(), **changes).sound is sound


def test_the_table_tells_what_was_refused_and_unanswered_and_each_reason_once():
    row = _row(passage(refused=2, unanswered=1, **UNASKABLE))
    assert _found(row, "nobody knows") == "2 refused, 1 unanswered"
    assert _found(row, "") == "2 refused, 1 unanswered, nobody knows"
