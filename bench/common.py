"""What the benchmarks share: a world on a topology given as data, and a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.observe.history import History
from sim.scenario import runner
from sim.scenario.evidence import Evidence
from sim.scenario.load_scenario import scenario_from_mapping
from sim.scenario.runner import ScenarioWorld
from sim.topology.load_topology import topology_from_mapping
from sim.world import World

ROOT = Path(__file__).parent.parent

# The team's two regions, as topologies/atlas-voice.yaml has them.
ATLAS: dict[str, Any] = {
    "app": "bench",
    "domain": "fly.dev",
    "gateway": {"command": ["python", "-m", "sim.gateway"]},
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {"share": 60}, "london": {"share": 40}},
    "links": [
        {"between": ["new-york", "iad"], "rtt": "12ms"},
        {"between": ["london", "fra"], "rtt": "15ms"},
    ],
    "services": {"database": {"kind": "postgres", "region": "iad"}},
}


def world_of(document: dict[str, Any], *, seed: int = 7, speed: float = 1.0) -> World:
    """A world of a topology, not up yet."""
    return World(topology_from_mapping(document), seed=seed, speed=speed)


async def run(world: ScenarioWorld, document: dict[str, Any]) -> Evidence:
    """Run a scenario on a world that is up; the evidence of this run alone."""
    scenario = scenario_from_mapping({"name": "bench", "topology": "-", **document}, world.topology)
    before = len(world.journal.records)
    await runner.run(world, scenario, print)
    started = world.journal.records[:1]  # what was run, with its speed
    return Evidence(History([*started, *world.journal.records[before:]]), scenario)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    print(f"\n## {title}\n")
    for line in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(str(cell) for cell in line) + " |")


def machine() -> str:
    """What this was measured on."""
    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
