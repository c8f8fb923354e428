"""How long clients go unserved, by the rule of `outages.py`, as it happens.

`find_outages` looks back at a whole journal; what must know at once (alerts, the live page) keeps
a Wait for each client, and tells it of its events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sim.observe.event import Event
from sim.observe.events import HostStalled, LoadStarted, ProcessorWaits
from sim.observe.noise import Noise
from sim.observe.outages import Pace
from sim.observe.usual import Usual
from sim.topology.model import Topology

# The host's watch looks each 0.1 s, and may be late itself.
_TOLD_REAL_S = 0.25


@dataclass(slots=True, eq=False)
class Wait:
    """One client's. `since` is when it was served last, or first tried; by `region`, if ever."""

    location: str
    since: float | None = None
    region: str | None = None
    turned_away: bool = False


class Ordinary:
    """What waits of the load that runs are ordinary: its pace, and what the host kept waiting.

    `kinds` are the events that it learns from.
    """

    kinds: tuple[type[Event], ...] = (LoadStarted, *Noise.kinds, *Usual.kinds)

    def __init__(self, topology: Topology, speed: float) -> None:
        self._topology = topology
        self._speed = speed
        self._pace: Pace | None = None
        self._noise = Noise(speed)

    def learn(self, t: float, event: Event) -> None:
        """Go by what an event tells of the load's pace, of usual answers or of the host."""
        match event:
            case LoadStarted(every_s=None):
                self._pace = None
            case LoadStarted(every_s=float() as every_s, timeout_s=timeout_s):
                pace = Pace.of(self._topology, every_s, self._speed, timeout_s)
                self._pace = replace(pace, usual=Usual())
            case HostStalled() | ProcessorWaits():
                self._noise.take(t, event)
            case _ if self._pace:
                self._pace.usual.take(event)

    def tried(self, t: float, wait: Wait) -> None:
        """The client tried to be served: its first wait begins with that."""
        if wait.since is None:
            wait.since = t

    def fault_began(self, t: float, wait: Wait) -> None:
        """A fault came: an ordinary first wait begins anew with it."""
        first = wait.region is None and not wait.turned_away and wait.since is not None
        if first and t <= self.limit(wait, t):
            wait.since = t

    def served(self, t: float, wait: Wait, region: str) -> None:
        """A wait is over, and the next begins."""
        wait.since, wait.region = t, region

    def limit(self, wait: Wait, t: float) -> float:
        """Until when the wait is ordinary, as known at an instant; for ever before it began."""
        if self._pace is None or wait.since is None:
            return math.inf
        slow = wait.region is None and not wait.turned_away
        allowed_s = (
            self._pace.allowed_first() if slow else self._pace.allowed(wait.location, wait.region)
        )
        regions = self._topology.regions if wait.region is None else (wait.region,)
        return wait.since + allowed_s + self._noise.path_s(regions, wait.since, t)

    def settled(self, wait: Wait, t: float) -> float:
        """When it is established whether the wait is an outage, as known at an instant.

        What kept a client waiting is told a little later than it happens.
        """
        return self.limit(wait, t) + _TOLD_REAL_S * self._speed

    def is_outage(self, wait: Wait, t: float) -> bool:
        """Whether it is established that it is none any more."""
        return t > self.settled(wait, t)
