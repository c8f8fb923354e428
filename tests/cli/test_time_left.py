"""What a campaign and a sweep say after each run: what came of it, and how long the rest takes."""

from __future__ import annotations

import itertools

from sim.cli.campaign import _tell
from sim.cli.sweep import _say
from sim.remaining import Remaining
from sim.sweep.sweep import SIDE_BY_SIDE
from tests.sweep.test_boundary_result import result_at


def ten_seconds_each():
    """A clock that has moved on by ten seconds whenever it is asked."""
    return itertools.count(0.0, 10.0).__next__


def row(**changes):
    setup = {"scenario": "crash.yaml"}
    return {"verdict": "held", "setup": setup, "seed": 7, "alone": False, "why": [], **changes}


def test_a_campaign(capsys):
    remaining = Remaining(3, 1, ten_seconds_each())
    for number, ended in enumerate([row(), row(verdict="unknown", why=["noise"]), row()], start=1):
        _tell(3, remaining, number, ended)
    _tell(3, remaining, 3, row(alone=True))
    assert capsys.readouterr().err.splitlines() == [
        "1 of 3: held: crash.yaml, seed 7; about 20 s left",
        "2 of 3: unknown: crash.yaml, seed 7: noise; about 10 s left",
        "3 of 3: held: crash.yaml, seed 7",
        "3 of 3: held: crash.yaml, seed 7, again and alone",
    ]


def test_a_sweep(capsys):
    remaining = Remaining(2 * SIDE_BY_SIDE, SIDE_BY_SIDE, ten_seconds_each())
    _say(remaining, result_at(boundary=None, machines=()))
    for _ in range(SIDE_BY_SIDE):
        _say(remaining, result_at())
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "undisturbed: held; about 10 s left"
    assert last == "idle: held"
