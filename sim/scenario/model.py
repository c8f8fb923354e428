"""What a scenario says, as plain immutable values: load, a timeline of faults, expectations.

`faults/` and `checks/` have which there are, `load.py` reads files into these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sim.clients.load_spec import LoadSpec
from sim.scenario.trigger import Trigger
from sim.topology.model import Topology

TargetKind = Literal["region", "machine", "link", "location", "service"]


@dataclass(frozen=True)
class Target:
    """What a fault is done to. `value` is a name; of a link it is (who connects, to whom)."""

    kind: TargetKind
    value: str | tuple[str, str]

    def __str__(self) -> str:
        return self.value if isinstance(self.value, str) else ":".join(self.value)


@dataclass(frozen=True)
class TimelineEntry:
    """A fault at an instant, in seconds from the load's start, or tied to an event (`when`).

    No target means everything. `at_s` is infinite where only the event says when.
    """

    at_s: float
    fault: str
    target: Target | None
    params: Mapping[str, Any] = field(default_factory=dict)
    when: Trigger | None = None


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
    load: LoadSpec
    timeline: tuple[TimelineEntry, ...]
    duration_s: float
    expect: tuple[Expectation, ...] = ()
    path: Path | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
