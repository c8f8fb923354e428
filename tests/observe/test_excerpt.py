"""A part of a journal as a run of its own."""

from __future__ import annotations

import pytest

from sim.observe.events import (
    Acked,
    Connected,
    FaultBegan,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    PartFailed,
    PartRestarted,
    RoutingChanged,
    RunStarted,
)
from sim.observe.excerpt import excerpt
from sim.observe.journal import Record

RUN = RunStarted(1, 1.0, "process", "embedded", "0", {"app": "a"})
UP = MachineChanged("m", "fra", "started")
LED = RoutingChanged("london", ("fra",))
BEGIN = LoadStarted(1, 1.0)
CRASH = FaultBegan("crash", "fra", {"kind": "region"})
MINE = Connected("london/0", "london", "fra", "m")
THEIRS = Connected("paris/0", "paris", "fra", "m")
ANSWER = Acked("london/0", "s", 1, "fra", "m", 1.0)


def records(*events):
    return [Record(float(t), event) for t, event in enumerate(events)]


def kept(*events, begin, **more):
    return [record.event for record in excerpt(records(*events), begin, **more)]


def test_what_was_done_and_said_before_is_left_out_and_how_the_world_was_stays():
    before = (RUN, UP, LED, BEGIN, CRASH, MINE, ANSWER, LoadEnded())
    assert kept(*before, BEGIN, MINE, begin=len(before)) == [RUN, UP, LED, BEGIN, MINE]


def test_times_are_as_they_were():
    assert [t for t, _ in excerpt(records(RUN, CRASH, UP, BEGIN), 3)] == [0.0, 2.0, 3.0]


def test_faults_may_belong_to_it_from_before():
    assert kept(RUN, CRASH, BEGIN, begin=2, faults_from=1) == [RUN, CRASH, BEGIN]


def test_clients_of_another_are_left_out():
    assert kept(RUN, BEGIN, MINE, THEIRS, begin=1, clients={"london/0"}) == [RUN, BEGIN, MINE]


def test_a_scenario_takes_the_worlds_place():
    (run,) = kept(RUN, begin=1, scenario={"name": "mine"})
    assert run.scenario == {"name": "mine"}


FAILED = PartFailed("resolver", "gone")


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ((FAILED,), [FAILED]),
        ((FAILED, PartRestarted("resolver")), []),
        ((FAILED, PartRestarted("database")), [FAILED]),
        ((FAILED, PartRestarted("resolver"), FAILED), [FAILED]),
    ],
)
def test_a_part_that_failed_before_concerns_it_unless_it_works_again(before, left):
    assert kept(*before, BEGIN, begin=len(before)) == [*left, BEGIN]
