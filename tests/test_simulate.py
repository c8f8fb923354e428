"""How a run begins, whoever asks for it."""

from __future__ import annotations

import pytest

from sim.errors import InputError
from sim.scenario.load_scenario import scenario_from_mapping
from sim.simulate import world_for
from sim.topology.load_topology import topology_from_mapping

TOPOLOGY = {
    "app": "atlas",
    "gateway": {"command": ["true"], "image": "atlas:latest"},
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"london": {}},
}
SCENARIO = {
    "name": "cut off",
    "topology": "-",
    "load": {"driver": "echo", "clients": 1},
    "timeline": [{"at": "1s", "fault": "disconnect", "region": "fra"}],
    "duration": "5s",
}


def test_what_is_done_to_containers_only_is_no_surprise_in_the_middle_of_a_run(monkeypatch):
    monkeypatch.setenv("SIM_TOXIPROXY", "http://127.0.0.1:9")
    scenario = scenario_from_mapping(SCENARIO, topology_from_mapping(TOPOLOGY))
    with pytest.raises(InputError, match=r"`disconnect` is done to containers.*partition"):
        world_for(scenario, seed=7)
    assert world_for(scenario, seed=7, runtime="docker").runtime == "docker"
