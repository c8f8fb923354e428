"""What a run's journal teaches the search. Pure.

What supported the acknowledged messages tells which cut could have lost one. A state of the world,
as a location's clients meet it, is what is so of a region, what is believed of it, whether DNS and
the client lead there, and what the client is doing: a run that visited a new one is worth varying,
and so is one that came close, in which a message had to be sent again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from sim.hunt.grammar import Moment
from sim.observe.client_names import location_of
from sim.observe.events import (
    Acked,
    Connected,
    Disconnected,
    Event,
    HealthChanged,
    MachineChanged,
    Resolved,
    RoutingChanged,
    Sent,
    SessionReady,
)
from sim.observe.history import History
from sim.topology.model import Topology

_TOLD = (Connected, SessionReady, Sent, Acked)


@dataclass(frozen=True)
class Lesson:
    """What one run taught: the states that it visited, and how often it came close."""

    states: frozenset[str] = frozenset()
    close: int = 0


def moments(history: History) -> list[Moment]:
    """The events of clients that a strike can be tied to, in the order of time."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for t, event in history.among(*_TOLD):
        client = getattr(event, "client", "")
        seen[event.kind, client] += 1
        found.append(Moment(event.kind, client, seen[event.kind, client], t))
    return found


def way_s(history: History) -> float:
    """The usual time to an acknowledgement."""
    return median([acked.latency_ms for _, acked in history.of(Acked)] or [0.0]) / 1000


def support(history: History, topology: Topology) -> Mapping[str, int]:
    """How many acknowledged messages each target of a blow carried."""
    carried: Counter[str] = Counter()
    for _, acked in history.of(Acked):
        location = location_of(acked.client)
        carried[acked.region] += 1
        carried[location] += 1
        carried[f"{location}:{acked.region}"] += 1
        for service in topology.services:
            carried[service] += 1
            carried[f"{acked.region}:{service}"] += 1
    return carried


def lesson(history: History) -> Lesson:
    """What a run taught."""
    world = _World()
    states = set()
    close = 0
    for _, event in history.among(*_TOLD, *_CHANGES):
        world.take(event)
        if isinstance(event, Sent) and event.attempt > 1:
            close += 1
        if isinstance(event, SessionReady) and event.acked != event.remembered:
            close += 2
        states |= world.states(event)
    return Lesson(frozenset(states), close)


_CHANGES = (Disconnected, HealthChanged, MachineChanged, Resolved, RoutingChanged)


@dataclass
class _World:
    """What is so, what is believed, where DNS leads to, and what each client is doing."""

    truth: dict[str, str] = field(default_factory=dict)
    belief: dict[str, str] = field(default_factory=dict)
    led: dict[str, str] = field(default_factory=dict)
    cached: dict[str, str | None] = field(default_factory=dict)
    doing: dict[str, str] = field(default_factory=dict)
    resumed: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, event: Event) -> None:
        match event:
            case MachineChanged():
                self.truth[event.region] = event.state
            case HealthChanged():
                self.belief[event.region] = event.status
            case RoutingChanged():
                self.led[event.location] = event.regions[0] if event.regions else ""
            case Resolved():
                self.cached[event.client] = event.region
            case SessionReady():
                self.resumed[event.client] += event.resumed
                self.doing[event.client] = event.kind
            case Connected() | Sent() | Acked() | Disconnected():
                self.doing[event.client] = event.kind

    def states(self, event: Event) -> set[str]:
        """As the clients meet it whom the event concerns: one, or all."""
        one = getattr(event, "client", None)
        return {self._state(client) for client in ([one] if one else self.cached)}

    def _state(self, client: str) -> str:
        region = self.cached.get(client) or ""
        led = "led" if self.led.get(location_of(client)) == region else "led elsewhere"
        return " ".join(
            (
                self.truth.get(region, "no truth"),
                self.belief.get(region, "no belief"),
                led,
                self.doing.get(client, "idle"),
                f"life {min(3, self.resumed[client])}",
            )
        )
