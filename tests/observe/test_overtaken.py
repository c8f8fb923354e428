"""A client that noticed a crash late, by the host's fault, and was led right by that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.observe.events import HostStalled
from sim.observe.outages import find_outages
from sim.observe.overtaken import overtaken
from tests.observe.test_outages import GAP_RULE, answers, connected, led_to, lost, resolved


def failover(history, *, asked=22.0, left=21.5, stall_ms=1000.0, to="iad", how="broken"):
    """Frankfurt's connections break at 21 s; DNS leaves it, and the client asks."""
    t, down = lost(21.0)
    stalled = [(21.0, HostStalled(stall_ms))] if stall_ms else []
    return history(
        led_to(-1.0, "fra", "iad"),
        resolved(0.0, "fra", 15.0),
        connected(0.2, "fra"),
        *answers("fra", 1.0, 20.0),
        *stalled,
        (t, replace(down, how=how)),
        led_to(left, "iad"),
        resolved(asked, to, asked + 30),
        connected(asked + 0.1, to),
        *answers(to, asked + 2.0, 60.0),
    )


@pytest.mark.parametrize(
    ("changes", "lucky"),
    [
        ({}, True),
        ({"stall_ms": 0.0}, False),  # the checker was quicker, by itself
        ({"stall_ms": 400.0}, False),  # without that it would have asked at 21.6 s
        ({"left": 22.5, "to": "fra"}, False),  # it was led wrong: that is a long outage
        ({"how": "left"}, False),  # it waited for an answer, by the clock
    ],
)
def test_the_host_decided_a_race_only_where_it_kept_the_client_for_longer(history, changes, lucky):
    ran = failover(history, **changes)
    outages = find_outages(ran, GAP_RULE)
    assert [overtaken(ran, outage) for outage in outages[:1]] == [lucky]
