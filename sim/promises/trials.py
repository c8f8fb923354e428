"""The two runs that decide the promises: a region crashes, and a release is deployed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.promises.promise import (
    CRASH_S,
    Promise,
    Setup,
    TrialName,
    promises,
    region_words,
    setup_of,
)
from sim.scenario.load_scenario import scenario_from_mapping
from sim.scenario.model import Scenario
from sim.topology.geography import REGIONS, nearest_active
from sim.topology.load_topology import topology_from_mapping
from sim.topology.model import Topology

_AFTER_S = 20.0  # from the crashed region's return to the end
_SECRET_S, _DEPLOY_S = 5.0, 10.0
_PROVEN_S = 25.0  # what a machine takes to boot, be watched and pass its check, with some to spare
_SETTLED_S = 30.0


@dataclass(frozen=True)
class Trial:
    """A run, and the promises that it decides, in the order of its expectations."""

    name: TrialName
    does: str
    scenario: Scenario
    promises: Sequence[Promise]


def trials(topology: Topology, driver: str, clients: int) -> list[Trial]:
    """The runs for a topology. Raises InputError for a driver that cannot be used."""
    topology = _with_policies(topology)
    setup = setup_of(topology)
    load = {
        "driver": driver,
        "clients": clients,
        "every": "1s",
        "timeout": "3s",
        "backoff": {"base": "250ms", "max": "2s"},
    }
    return [_trial(name, setup, load) for name in ("crash", "deploy")]


def _trial(name: TrialName, setup: Setup, load: dict[str, Any]) -> Trial:
    decided = [promise for promise in promises(setup) if promise.trial == name]
    crashes = name == "crash"
    does, timeline, duration_s = _crash(setup) if crashes else _deploy(setup.topology)
    document = {
        "name": does,
        "topology": setup.topology.path.name if setup.topology.path else "topology.yaml",
        "load": load,
        "timeline": timeline,
        "duration": f"{duration_s:g}s",
        "expect": [dict(expected) for promise in decided for expected in promise.expect],
    }
    # A driver's file is named from where the command is given.
    return Trial(name, does, scenario_from_mapping(document, setup.topology, Path(name)), decided)


def _crash(setup: Setup) -> tuple[str, list[dict[str, Any]], float]:
    target = {"region": setup.crashed}
    city = region_words(setup.topology.regions[setup.crashed])
    timeline = [
        {"at": f"{CRASH_S:g}s", "fault": "crash", **target},
        {"at": f"{setup.recovered_s:g}s", "fault": "start", **target},
    ]
    return f"{city} crashes", timeline, setup.recovered_s + _AFTER_S


def _deploy(topology: Topology) -> tuple[str, list[dict[str, Any]], float]:
    count = sum(region.machines for region in topology.regions.values())
    most = topology.deploy.max_unavailable
    at_once = int(most) if most >= 1 else max(1, math.ceil(count * most))
    duration_s = _DEPLOY_S + _PROVEN_S * max(2, math.ceil(count / at_once)) + _SETTLED_S
    timeline = [
        {"at": f"{_SECRET_S:g}s", "fault": "new_secret"},
        {"at": f"{_DEPLOY_S:g}s", "fault": "deploy", "image": f"{topology.image}-next"},
    ]
    return f"a new secret and a {topology.deploy.strategy} deploy", timeline, duration_s


def _with_policies(topology: Topology) -> Topology:
    """The topology; where it says nothing of residency, with a policy for Europe of its own.

    Its European locations may be served in its European regions, if there are any of both.
    """
    if topology.residency:
        return topology
    places = [
        name
        for name, place in topology.locations.items()
        if nearest_active(place.at).continent == "europe"
    ]
    codes = [
        code
        for code, region in topology.regions.items()
        if region.machines
        and (REGIONS.get(code) or nearest_active(region.at)).continent == "europe"
    ]
    if not places or not codes:
        return topology
    policies = {"residency": {"eu": {"locations": places, "regions": codes}}}
    return topology_from_mapping({**topology.document, "policies": policies}, topology.path)
