"""How long the rest of many runs takes, as it is told after each."""

from __future__ import annotations

import pytest

from sim.remaining import Remaining, rough


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (40, "40 s"), (89.5, "90 s"), (150, "3 min"), (5400, "1 h 30 min")],
)
def test_words(seconds, said):
    assert rough(seconds) == said


def after_each(remaining, at_once, runs, clock, takes_s=10.0):
    """What is told after each of these runs, which end `at_once` at a time."""
    told = []
    for number in range(runs):
        clock["s"] += takes_s if number % at_once == 0 else 0.0
        told.append(remaining.after())
    return told


@pytest.mark.parametrize(
    ("at_once", "first", "fifth"), [(1, "70 s", "30 s"), (2, "35 s", "15 s"), (4, "18 s", "8 s")]
)
def test_runs_of_one_length_are_foretold(at_once, first, fifth):
    clock = {"s": 5.0}
    remaining = Remaining(8, at_once, lambda: clock["s"])
    told = after_each(remaining, at_once, 8, clock)
    assert (told[0], told[4]) == (f"; about {first} left", f"; about {fifth} left")
    assert told[-1] == ""


def test_a_run_that_had_the_machine_to_itself_counts_as_those_beside_it():
    clock = {"s": 0.0}
    remaining = Remaining(4 + 8, 4, lambda: clock["s"])
    clock["s"] = 10.0
    assert remaining.after(4) == "; about 20 s left"


def test_more_runs_than_were_foretold_have_nothing_left():
    remaining = Remaining(1, now_s=lambda: 1.0)
    assert [remaining.after(), remaining.after(), remaining.after(0)] == ["", "", ""]
