"""Who ended connections, by the journal, and the check of it."""

from __future__ import annotations

import pytest

from sim.errors import InputError
from sim.observe.disconnects import fold
from sim.observe.events import (
    Acked,
    Connected,
    Disconnected,
    FaultBegan,
    LinkChanged,
    MachineChanged,
    MachineDied,
    PartFailed,
    RoutingChanged,
)
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.report.document import build
from sim.scenario.verdict import judge


def up(t=1.0, client="london/0", region="fra", machine="f"):
    return (t, Connected(client, client.split("/")[0], region, machine))


def down(t, how="broken", code=1006, client="london/0", region="fra", machine="f", **more):
    place = client.split("/")[0]
    return (t, Disconnected(client, place, region, machine, "why", how=how, code=code, **more))


def closed(t, code=1000, reason="", **more):
    return down(t, "closed", code, close_reason=reason, **more)


def left(t, **more):
    return down(t, "left", None, **more)


def state(t, state, machine="f", region="fra"):
    return (t, MachineChanged(machine, region, state))


def link(t, name, state="up", **detail):
    return (t, LinkChanged(name, state, 15.0, detail=detail))


def who(evidence, *events):
    (end,) = evidence(state(0.0, "started"), up(), *events).ends
    return end.by


RESET = {"kind": "link", "location": "london", "region": "fra"}
CRASH = (20.1, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"}))
DIED = MachineDied("f", "fra", "exited with code 0", code=0)
RELEASE = DeployBegan(2, "rolling", ("f",), "atlas:2")


@pytest.mark.parametrize(
    ("events", "by"),
    [
        ([closed(20.0, 1000)], "gateway"),
        ([down(20.0)], "gateway"),
        ([down(20.0, "goodbye", None)], "gateway"),
        ([left(20.0)], "client"),
        # a kill, noticed after it; and a process that ends by itself, noticed before that is known
        ([state(20.0, "stopped"), down(20.1)], "machine"),
        ([down(20.0), state(20.2, "stopped")], "machine"),
        ([closed(20.0, 1001), state(20.2, "stopped")], "machine"),
        # a close of another kind just before, or long before, is no part of the machine's end
        ([closed(20.0, 4000), state(20.2, "stopped")], "gateway"),
        ([down(20.0), state(22.0, "stopped")], "gateway"),
        # a kill that began after it: however soon it came, it did not end what had ended
        ([down(20.0), CRASH, state(20.2, "stopped")], "gateway"),
        ([(19.9, CRASH[1]), down(20.0), state(20.2, "stopped")], "machine"),
        ([down(20.0), CRASH, state(20.2, "stopped"), (20.2, DIED)], "machine"),
        # a stop, in whose drain the client is told; and a silent link that hid a kill
        ([state(20.0, "stopping"), closed(23.0, 1001), state(23.1, "stopped")], "machine"),
        ([state(20.0, "stopped"), left(60.0)], "machine"),
        # what the machine did before the connection is another story
        ([state(0.2, "stopped"), state(0.5, "started"), down(20.0)], "gateway"),
        ([(20.0, FaultBegan("reset", "london, fra", RESET)), down(20.1)], "link"),
        ([(20.0, FaultBegan("reset", "everything", {"kind": "everything"})), down(20.1)], "link"),
        (
            [(20.0, FaultBegan("reset", "fra", {"kind": "region", "region": "fra"})), down(20.1)],
            "link",
        ),
        (
            [(20.0, FaultBegan("reset", "iad", {"kind": "region", "region": "iad"})), down(20.1)],
            "gateway",
        ),
        ([(20.0, FaultBegan("reset", "london", {"kind": "location"})), down(20.1)], "link"),
        ([(19.0, FaultBegan("reset", "london, fra", RESET)), down(20.1)], "gateway"),
        (
            [(19.0, FaultBegan("reset", "london, fra", RESET)), down(25.0, told_after_s=5.9)],
            "link",  # its driver kept it to itself
        ),
        ([link(20.0, "london:fra", "refusing"), down(20.1)], "link"),
        ([link(20.0, "london:fra", "silent"), left(25.0)], "link"),
        ([link(20.0, "london:fra", "silent"), link(24.8, "london:fra"), left(25.0)], "link"),
        ([link(20.0, "london:fra", "silent"), link(21.0, "london:fra"), left(25.0)], "client"),
        ([link(20.0, "london:fra", "up"), down(20.1)], "gateway"),  # slower, and not cut
        ([link(20.0, "london:iad", "refusing"), down(20.1)], "gateway"),  # not its path
        # half-open: silence for those that stood; its client gives it up
        ([link(10.0, "london:fra", half_open=1), left(15.0)], "link"),
        ([link(0.5, "london:fra", half_open=1), left(15.0)], "client"),  # it came later
        ([link(10.0, "london:fra", half_open=1), link(12.0, "london:fra"), left(15.0)], "client"),
        ([link(10.0, "london:fra", half_open=1), down(15.0)], "gateway"),
        # an age limit: reset at that age
        ([link(10.0, "london:fra", age_limit_s=19.0), down(20.1)], "link"),
        ([link(10.0, "london:fra", age_limit_s=30.0), down(20.1)], "gateway"),  # younger
        ([link(10.0, "london:fra", age_limit_s=19.0), left(20.1)], "client"),
        # anycast: the location's edge is in iad, and goes on to fra
        (
            [
                (0.5, RoutingChanged("london", ("iad", "fra"))),
                link(20.0, "fra:iad", "refusing"),
                down(20.1),
            ],
            "link",
        ),
        ([link(20.0, "london:fra", "silent"), closed(25.0, 1011)], "gateway"),
        ([(20.0, PartFailed("edge fra", "gone")), down(20.1)], "unknown"),
        ([(20.0, PartFailed("journal", "full")), down(20.1)], "gateway"),
        ([down(20.0, "", None)], "unknown"),  # an older journal
        (
            [
                (19.0, RELEASE),
                (19.0, DeployStep(2, "update", "f", "fra")),
                state(19.1, "updating"),
                closed(20.0, 1012),
                state(21.0, "started"),
                (22.0, DeployEnded(2, "done")),
            ],
            "deploy",
        ),
    ],
)
def test_who_ended_a_connection_is_told_by_its_cause(evidence, events, by):
    assert who(evidence, *events) == by


def test_what_the_load_closes_at_its_end_is_left_out(evidence):
    closing = (150.05, Disconnected("london/0", "london", "fra", "f", "over", expected=True))
    assert not evidence(up(), closing, down(150.06, client="london/1")).ends


CLOSES = [
    *(up(t) for t in (1.0, 11.0, 21.0, 31.0)),
    closed(10.0, 1000, "enough", unanswered=2),
    closed(20.0, 1000, "enough", unanswered=1),
    closed(30.0, 1011),
    up(1.0, "new-york/0", "iad", "i"),
    down(30.0, client="new-york/0", region="iad", machine="i", how="left", code=None),
    (2.0, Acked("london/0", "s", 1, "fra", "f", 20.0)),
]


def test_the_report_has_them_by_kind_the_most_frequent_first(evidence):
    made = evidence(*CLOSES)
    rows = build(made, judge(made))["disconnects"]
    assert [tuple(row.values()) for row in rows] == [
        ("london", "fra", "gateway", 1000, "enough", 2, 3),
        ("london", "fra", "gateway", 1011, "", 1, 0),
        ("new-york", "iad", "client", None, "why", 1, 0),
    ]


def test_rare_reasons_are_folded_and_nobody_is_lost_by_it(evidence):
    ends = [closed(10.0 + n, 1008, f"session {n // 2}", unanswered=1) for n in range(20)]
    groups = fold(evidence(up(), *ends).ends)
    assert [(g.reason, g.count, g.unanswered) for g in groups] == [
        ("other reasons", 16, 16),
        ("session 0", 2, 2),
        ("session 1", 2, 2),
    ]


@pytest.mark.parametrize(
    ("check", "held", "observed"),
    [
        ({"max": 4}, True, "4 of 5 connections ended"),
        ({"max": 3}, False, "4 of 5 connections ended"),
        ({"max": "80%"}, True, "4 of 5 connections ended (80.00%)"),
        ({"max": "79%"}, False, "4 of 5 connections ended (80.00%)"),
        ({"max": 0, "by": "machine"}, True, "0 of 5 connections ended"),
        ({"max": 0, "by": "gateway", "code": 1011}, False, "1 of 5 connections ended"),
        ({"max": 2, "location": "london", "by": "gateway"}, False, "3 of 4 connections ended"),
        ({"max": 0, "region": "iad", "by": "gateway"}, True, "0 of 1 connection ended"),
        ({"max": 0, "from": "25s", "until": "26s"}, True, "0 of 2 connections ended"),
        ({"max": 0, "until": "1s"}, None, "nothing"),
    ],
)
def test_the_check_counts_those_that_fit(evidence, check, held, observed):
    made = evidence(*CLOSES, expect=[{"check": "disconnects", **check}])
    found = judge(made).findings[0][1]
    assert (found.held, found.observed) == (held, observed)


def test_a_failure_names_kinds(evidence):
    made = evidence(*CLOSES, expect=[{"check": "disconnects", "max": 0}])
    assert judge(made).findings[0][1].why == (
        "2 of london → fra by gateway, 1000 (enough); 1 of london → fra by gateway, 1011;"
        " 1 of new-york → iad by client (why)"
    )


def test_ends_of_unknown_authors_are_not_held_against_anybody(evidence):
    expect = [{"check": "disconnects", "by": "gateway", "max": 1}]
    unsure = [up(), up(11.0), down(10.0, "", None), down(20.0, "", None)]
    assert judge(evidence(*unsure, expect=expect)).findings[0][1].held is None
    sure = [*unsure, up(21.0), up(31.0), closed(30.0), closed(40.0)]
    assert judge(evidence(*sure, expect=expect)).findings[0][1].held is False
    assert judge(evidence(*unsure[:3], expect=expect)).findings[0][1].held is True


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max": "many"}, "whole number, or a share such as `5%`"),
        ({"max": -1}, "whole number"),
        ({"max": 0, "by": "nobody"}, "gateway"),
        ({"max": 0, "code": 99}, "close code"),
        ({"by": "gateway"}, "max"),
    ],
)
def test_what_the_check_cannot_take_is_refused(evidence, wrong, message):
    with pytest.raises(InputError, match=message):
        evidence(expect=[{"check": "disconnects", **wrong}])
