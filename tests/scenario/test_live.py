"""Faults that a person does to a running world."""

from __future__ import annotations

import pytest

from sim.errors import InputError
from sim.scenario.live import live_fault
from sim.scenario.model import Target
from sim.topology.load_topology import topology_from_mapping


@pytest.fixture(scope="module")
def topology():
    return topology_from_mapping(
        {
            "app": "voice",
            "gateway": {"command": ["./gateway"]},
            "regions": {"iad": {"primary": True}, "fra": {}},
            "locations": {"london": {}},
        }
    )


def test_it_is_read_as_an_entry_of_a_timeline_is(topology):
    entry = live_fault({"fault": "crash", "region": "fra"}, topology)
    assert (entry.fault, entry.target) == ("crash", Target("region", "fra"))


@pytest.mark.parametrize(
    ("entry", "field", "message"),
    [
        ({"fault": "crash", "region": "fre"}, "region", "did you mean `fra`?"),
        ({"fault": "crush", "region": "fra"}, "fault", "did you mean `crash`?"),
        ({"fault": "slow", "link": ["london", "fra"], "latency": "9"}, "latency", "unit"),
        ({"fault": "crash"}, None, "region: fra"),
    ],
)
def test_a_mistake_is_named_without_the_timeline_that_nobody_wrote(topology, entry, field, message):
    with pytest.raises(InputError) as caught:
        live_fault(entry, topology)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert message in problem.message
    assert "timeline" not in str(problem)
