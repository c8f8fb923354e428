"""What the result at a boundary proves: also of a gateway that nobody can ask what it stored."""

from __future__ import annotations

import pytest

from sim.cli.sweep import _found, _row
from sim.observe.events import HealthChanged, LoadEnded, LoadStarted, MachineChanged
from sim.observe.history import History
from sim.observe.journal import Record
from sim.scenario.evidence import Evidence
from sim.scenario.load_scenario import scenario_from_mapping
from sim.sweep.boundaries import IDLE, Boundary
from sim.sweep.sweep import BoundaryResult, _could_come_back
from sim.topology.load_topology import topology_from_mapping
from tests.scenario.conftest import TOPOLOGY

CLEAN = BoundaryResult(
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


def result_at(**changes):
    return BoundaryResult(**{**vars(CLEAN), **changes})


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
    assert result_at(**changes).verdict == verdict


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
    assert result_at(boundary=None, machines=(), **changes).sound is sound


def test_the_table_tells_what_was_refused_and_unanswered_and_each_reason_once():
    row = _row(result_at(refused=2, unanswered=1, **UNASKABLE))
    assert _found(row, "nobody knows") == "2 refused, 1 unanswered"
    assert _found(row, "") == "2 refused, 1 unanswered, nobody knows"


def up(t, machine="m2"):
    return [
        (t, MachineChanged(machine, "fra", "started")),
        (t + 1, HealthChanged(machine, "fra", "passing")),
    ]


@pytest.mark.parametrize(
    ("events", "could"),
    [
        (up(20), True),
        (up(140), False),
        ([*up(20), (100, MachineChanged("m2", "fra", "stopped")), *up(140)], False),
        ([*up(20), (140, HealthChanged("m2", "fra", "critical"))], False),
        ([(20, MachineChanged("m2", "fra", "started"))], False),
    ],
)
def test_never_again_is_told_only_where_there_was_a_machine_and_time(events, could):
    topology = topology_from_mapping(TOPOLOGY)
    scenario = scenario_from_mapping({"topology": "x", "duration": "150s"}, topology)
    records = [(0.0, LoadStarted(1)), *events, (150.0, LoadEnded())]
    history = History(Record(float(t), event) for t, event in records)
    assert _could_come_back(Evidence(history, scenario)) is could
