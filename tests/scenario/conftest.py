"""Evidence made by hand, on the two regions of the team's document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.observe.events import Audited, LoadEnded, LoadStarted, RunStarted
from sim.observe.history import History
from sim.observe.journal import Record
from sim.scenario.evidence import Evidence
from sim.scenario.load_scenario import scenario_from_mapping
from sim.topology.load_topology import topology_from_mapping

TOPOLOGY = {
    "app": "atlas",
    "domain": "fly.dev",
    "gateway": {"command": ["python", "-m", "sim.gateway"]},
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {"share": 60}, "london": {"share": 40}},
    "services": {"database": {"kind": "postgres", "region": "iad"}},
    "policies": {"residency": {"eu": {"locations": ["london"], "regions": ["fra"]}}},
    "costs": {"machine_month_usd": 5.20},
}


@pytest.fixture
def evidence():
    """Evidence of (time, event) pairs in a load from 0 to 150 s, and of what is expected."""

    def make(
        *pairs, expect=(), ended=True, audited=True, speed=1.0, driver="session", clock="real"
    ):
        document = {
            "name": "by hand",
            "topology": "atlas.yaml",
            "load": {"driver": driver, "clients": 2, "every": "1s"},
            "duration": "150s",
            "expect": list(expect),
        }
        started = RunStarted(7, speed, "process", "embedded", "0", TOPOLOGY, document)
        started = replace(started, clock=clock)
        records = [Record(0.0, started), Record(0.0, LoadStarted(clients=2))]
        records += [Record(t, event) for t, event in sorted(pairs, key=lambda pair: pair[0])]
        records += [Record(150.0, LoadEnded())] if ended else []
        records += [Record(150.1, Audited())] if audited else []
        topology = topology_from_mapping(TOPOLOGY)
        return Evidence(History(records), scenario_from_mapping(document, topology))

    return make
