"""Worlds of containers for tests: brought up by the command, seen by their journal and Docker."""

from __future__ import annotations

import json
import select
import subprocess
from typing import Any

import pytest
import yaml

from tests.docker.private_engine import GATEWAY

TOPOLOGY: dict[str, Any] = {
    "app": "boxed",
    "gateway": {
        "image": GATEWAY,
        "memory": "96MiB",
        "checks": [{"type": "http", "path": "/healthz", "interval": "2s", "timeout": "1s"}],
    },
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {}, "london": {}},
    "services": {"database": {"kind": "postgres", "region": "iad"}},
}
WITHIN_S = 10.0


def looks(within_s):
    """Occasions to look at what another process writes, 20 ms apart."""
    for _ in range(int(within_s / 0.02)):
        yield
        select.select([], [], [], 0.02)


def as_yaml(**gateway):
    """The topology with changes to its gateway."""
    merged = {**TOPOLOGY["gateway"], **gateway}
    return yaml.safe_dump({**TOPOLOGY, "gateway": merged}, sort_keys=False)


class Boxed:
    """A world of containers that is up, seen from outside: by its journal and by Docker."""

    def __init__(self, sim: Any, engine: str) -> None:
        self.sim = sim
        self.engine = engine
        (status,) = sim.json("status")
        self.world = status["world"]
        self.pid = status["pid"]
        self.journal = sim.home / "worlds" / self.world / "journal.jsonl"

    def docker(self, *arguments: str) -> str:
        command = ["docker", "-H", self.engine, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def container(self, region: str = "fra") -> str:
        return f"sim-{self.world}-{region}-1"

    def events(self, kind):
        lines = self.journal.read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    def wait_for(self, kind, *, within_s=WITHIN_S, **fields):
        """The journal's first event of that kind whose fields contain these texts."""
        for _ in looks(within_s):
            for event in self.events(kind):
                if all(text in str(event.get(key)) for key, text in fields.items()):
                    return event
        raise AssertionError(f"no {kind} with {fields}: {self.events(kind)}")

    def left_in_the_engine(self) -> str:
        chosen = ("--filter", f"label=sim.world={self.world}")
        kinds = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"))
        return "".join(self.docker(*kind, *chosen) for kind in kinds)


@pytest.fixture
def boxed(sim, engine, tmp_path):
    """A world of containers, up; after the test nothing of it may be in the engine."""
    sim.environment["DOCKER_HOST"] = engine

    def boxed(**gateway):
        path = tmp_path / "topology.yaml"
        path.write_text(as_yaml(**gateway))
        done = sim("up", path, "--runtime", "docker", "--detach", "--seed", "7")
        assert done.returncode == 0, done.stderr
        worlds.append(Boxed(sim, engine))
        return worlds[-1]

    worlds: list[Boxed] = []
    yield boxed
    sim("down", "--all")
    assert [world.left_in_the_engine() for world in worlds] == [""] * len(worlds)
