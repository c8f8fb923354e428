"""What is run, and how a run went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.observe.events.event import Event

NOBODY = "nobody"


@dataclass(frozen=True)
class RunStarted(Event):
    """The first event: what is run, and with what. Enough to judge the journal without files.

    `topology` and `scenario` are the documents as loaded, without secrets; `scenario` is None for
    a world that was only brought up. `clock` is what machines and services keep: the world's, by a
    `lens`, or `real` time, and then `why_real` says why.
    """

    kind = "run_started"
    seed: int
    speed: float
    runtime: str
    links: str
    version: str
    topology: Mapping[str, Any]
    scenario: Mapping[str, Any] | None = None
    clock: str = "real"
    why_real: str = ""

    @property
    def own_speed(self) -> float:
        """How many simulated seconds a second of a machine's own timers lasts."""
        return 1.0 if self.clock == "lens" else self.speed


@dataclass(frozen=True)
class LoadStarted(Event):
    """The instant that reports count from.

    Each client sends once in `every_s`, and waits for an answer as long as `timeout_s`.
    """

    kind = "load_started"
    clients: int
    every_s: float | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class LoadEnded(Event):
    """The load's time is over, and nobody begins anything new: the end of what is judged.

    Answers that were on their way still follow, and count.
    """

    kind = "load_ended"


@dataclass(frozen=True)
class Audited(Event):
    """It was found out what is stored: `Stored` events before this are complete.

    `error` says why that could not be; then lost messages are unknown, not none. `asked` is whom,
    or NOBODY where the driver knows no way to ask.
    """

    kind = "audited"
    error: str | None = None
    asked: str = "the database"


@dataclass(frozen=True)
class Stored(Event):
    """This message is stored; events of a session come in the order of storing.

    `region` and `machine` say who stored it, and are empty where that is not known.
    """

    kind = "stored"
    session: str
    seq: int
    region: str
    machine: str


@dataclass(frozen=True)
class FaultBegan(Event):
    """A fault was done to the world. `target` is as written, `fault` the scenario's word."""

    kind = "fault_began"
    fault: str
    target: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultFailed(Event):
    """A fault could not be done: the verdict cannot be green."""

    kind = "fault_failed"
    fault: str
    target: str
    reason: str
