"""What a scenario says, as plain immutable values: load, a timeline of faults, expectations.

`faults/` and `checks/` have which there are, `load.py` reads files into these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sim.clients.backoff import BackoffSpec
from sim.clients.http_declaration import InData
from sim.clients.load_spec import Personality
from sim.topology.model import Topology

TargetKind = Literal["region", "machine", "link", "location", "service"]


@dataclass(frozen=True)
class Load:
    """The clients: how many, which driver, how often they send, how they cache DNS.

    `timeout_s` is how long a client waits for an acknowledgement before it gives the connection
    up. `resolver` has the share of the clients of each caching model; the shares sum to 1.
    """

    driver: str | InData = "session"
    clients: int = 10
    every_s: float = 1.0
    payload_bytes: int = 320
    resolver: Mapping[Personality, float] = field(default_factory=lambda: {"strict": 1.0})
    timeout_s: float = 5.0
    backoff: BackoffSpec = field(default_factory=BackoffSpec)


@dataclass(frozen=True)
class Target:
    """What a fault is done to. `value` is a name; of a link it is (who connects, to whom)."""

    kind: TargetKind
    value: str | tuple[str, str]

    def __str__(self) -> str:
        return self.value if isinstance(self.value, str) else ":".join(self.value)


@dataclass(frozen=True)
class TimelineEntry:
    """A fault at an instant, in seconds from the load's start. No target means everything."""

    at_s: float
    fault: str
    target: Target | None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectation:
    """A check and what it is asked; `params` has what was written, under names with units."""

    check: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """Everything a scenario file says; the timeline is in the order of time.

    `document` is the file as plain data that JSON can hold and `scenario_from_mapping` reads.
    """

    name: str
    topology: Topology
    load: Load
    timeline: tuple[TimelineEntry, ...]
    duration_s: float
    expect: tuple[Expectation, ...] = ()
    path: Path | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
