"""Rules fed by hand, on the two regions of the team's document."""

from __future__ import annotations

import math

import pytest

from sim.alerts.rules import AlertRules
from sim.observe.journal import Record
from sim.topology.load_topology import topology_from_mapping

TOPOLOGY = {
    "app": "atlas",
    "gateway": {"command": ["./gateway"]},
    "regions": {"iad": {"primary": True}, "fra": {"machines": 2}},
    "locations": {"new-york": {"share": 60}, "london": {"share": 40}},
    "links": [
        {"between": ["london", "fra"], "rtt": "100ms"},
        {"between": ["london", "iad"], "rtt": "500ms"},
    ],
    "services": {"database": {"region": "iad"}, "cache": {"command": ["redis-server"]}},
    "policies": {"residency": {"eu": {"locations": ["london"], "regions": ["fra"]}}},
}


@pytest.fixture
def topology():
    """The topology that the rules are made for."""
    return topology_from_mapping(TOPOLOGY)


@pytest.fixture
def told():
    """The alerts that (time, event) pairs give, each with its time; silence is judged when due."""

    def tell(*pairs, until=math.inf, mode="geodns"):
        topology = topology_from_mapping({**TOPOLOGY, "routing": {"mode": mode}})
        rules = AlertRules(topology, 1.0)
        found = []
        for t, event in sorted(pairs, key=lambda pair: pair[0]):
            while rules.due < t:
                due = math.nextafter(rules.due, math.inf)
                found += [(due, alert) for alert in rules.overdue(due)]
            found += [(t, alert) for alert in rules.take(Record(t, event))]
        while rules.due < until < math.inf:
            due = math.nextafter(rules.due, math.inf)
            found += [(due, alert) for alert in rules.overdue(due)]
        return found

    return tell


@pytest.fixture
def words(told):
    """The same in words: `outage began london`."""

    def tell(*pairs, **options):
        return [f"{a.alert} {a.state} {a.subject}" for _, a in told(*pairs, **options)]

    return tell
