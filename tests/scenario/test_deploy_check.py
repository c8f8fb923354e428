"""Whom a deploy cut off, as the journal tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.observe.events import Connected, Disconnected, MachineChanged, MachineStopped
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.report.document import build
from sim.scenario.verdict import judge


def deploy(outcome="done", error=""):
    return [
        (10.0, DeployBegan(2, "rolling", ("a", "b"), "atlas:2")),
        (10.0, DeployStep(2, "update", "a", "iad")),
        (10.0, MachineChanged("a", "iad", "updating")),
        (12.0, MachineChanged("a", "iad", "started")),
        (12.0, DeployStep(2, "smoke", "a", "iad")),
        (20.0, DeployEnded(2, outcome, error)),
    ]


def lost(t, machine, client="london/0", *, since=1.0, expected=False, **how):
    """A connection, from its beginning to its end."""
    place = client.split("/")[0]
    return [
        (since, Connected(client, place, "iad", machine)),
        (t, Disconnected(client, place, "iad", machine, "gone", expected, **how)),
    ]


DROPS = [
    *lost(9.0, "a", "london/1"),  # before
    *lost(10.1, "a", how="closed", code=1012),
    *lost(10.2, "a", "new-york/0", how="goodbye"),
    *lost(11.0, "a", "london/2", expected=True),  # the client's own doing
    *lost(11.0, "b", "london/3"),  # a machine that the deploy did not reach
    *lost(21.0, "a", "london/4", since=11.0, how="broken", code=1006),  # in the drain; noticed late
    *lost(14.0, "a", since=13.0, how="closed", code=1000),  # by the new process, which is up
    *lost(60.0, "a", since=15.0, how="broken", code=1006),  # likewise
]


def finding(evidence, events, **check):
    verdict = judge(evidence(*events, expect=[{"check": "deploy", **check}]))
    return verdict.findings[0][1]


@pytest.mark.parametrize(
    ("check", "held"),
    [
        ({"outcome": "done"}, True),
        ({"outcome": "failed"}, False),
        ({"max": 3}, True),
        ({"max": 2}, False),
        ({"min": 3}, True),
        ({"min": 4}, False),
        ({"outcome": "done", "min": 3, "max": 3}, True),
        ({"outcome": "done", "from": "11s"}, None),  # no deploy began then
    ],
)
def test_a_deploy_is_held_to_how_it_ended_and_to_what_it_dropped(evidence, check, held):
    found = finding(evidence, [*deploy(), *DROPS], **check)
    assert found.held is held
    assert found.observed == ("nothing" if held is None else "done, 3 connections dropped")


def test_a_failure_says_why(evidence):
    found = finding(
        evidence, deploy("failed", "machine iad/1 ended\nits last words"), outcome="done"
    )
    assert found.why == (
        "release 2 (rolling) at 10.0 s, 1 of 2 machines replaced, machine iad/1 ended"
    )


def test_one_that_was_not_over_is_unknown(evidence):
    found = finding(evidence, deploy()[:-1], outcome="done")
    assert found.held is None


def test_the_report_says_how_many_connections_each_deploy_dropped(evidence):
    made = evidence(*deploy(), *DROPS)
    assert build(made, judge(made))["deploys"] == [
        {
            "release": 2,
            "strategy": "rolling",
            "from_s": 10.0,
            "to_s": 20.0,
            "outcome": "done",
            "error": None,
            "machines": 2,
            "replaced": 1,
            "dropped": 3,
            "dropped_by_location": {"london": 2, "new-york": 1},
            "goodbyes": {"1012": 1, "message": 1, "none": 1},
        }
    ]


def test_the_reason_says_which_machines_did_not_drain(evidence):
    killed = MachineStopped(
        *("a", "iad", "updated", "SIGINT", 1.0, 1.0), killed=True, end="killed by SIGKILL"
    )
    found = finding(evidence, [*deploy(), (11.5, killed), *DROPS], max=0)
    assert found.why.endswith(", 1 killed while draining")
    dropped = replace(killed, killed=False, end_signal="SIGINT", caught=())
    found = finding(evidence, [*deploy(), (11.5, dropped), *DROPS], max=0)
    assert found.why.endswith(", 1 did not drain")
