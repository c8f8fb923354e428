"""How long clients go unserved, by the rule of `outages.py`, as it happens.

`find_outages` looks back at a whole journal; what must know at once (alerts, the live page) keeps
a Wait for each client, and tells it of its events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.observe.events import HostStalled, LoadStarted
from sim.observe.outages import Pace
from sim.topology.model import Topology


@dataclass(slots=True, eq=False)
class Wait:
    """One client's. `since` is when it was served last, or first tried; by `region`, if ever.

    `stalled_s` is what the simulator itself had stood still by then.
    """

    location: str
    since: float | None = None
    region: str | None = None
    turned_away: bool = False
    stalled_s: float = 0.0


class Ordinary:
    """What waits of the load that runs are ordinary: its pace, and the simulator's own stalls."""

    def __init__(self, topology: Topology, speed: float) -> None:
        self._topology = topology
        self._speed = speed
        self._pace: Pace | None = None
        self._stalled_s = 0.0

    def load_started(self, load: LoadStarted) -> None:
        """Go by this load's pace from now on."""
        self._pace = (
            None
            if load.every_s is None
            else Pace.of(self._topology, load.every_s, self._speed, load.timeout_s)
        )

    def host_stalled(self, stall: HostStalled) -> None:
        """Allow for it: a wait proves nothing of the time in which nobody could be served."""
        self._stalled_s += stall.real_ms / 1000 * self._speed

    def tried(self, t: float, wait: Wait) -> None:
        """The client tried to be served: its first wait begins with that."""
        if wait.since is None:
            wait.since, wait.stalled_s = t, self._stalled_s

    def fault_began(self, t: float, wait: Wait) -> None:
        """A fault came: an ordinary first wait begins anew with it."""
        first = wait.region is None and not wait.turned_away and wait.since is not None
        if first and t <= self.limit(wait):
            wait.since, wait.stalled_s = t, self._stalled_s

    def served(self, t: float, wait: Wait, region: str) -> None:
        """A wait is over, and the next begins."""
        wait.since, wait.stalled_s, wait.region = t, self._stalled_s, region

    def limit(self, wait: Wait) -> float:
        """Until when the wait is ordinary, as far as is known now; for ever before it began."""
        if self._pace is None or wait.since is None:
            return math.inf
        slow = wait.region is None and not wait.turned_away
        allowed_s = (
            self._pace.allowed_first() if slow else self._pace.allowed(wait.location, wait.region)
        )
        return wait.since + allowed_s + self._stalled_s - wait.stalled_s

    def is_outage(self, wait: Wait, t: float) -> bool:
        """Whether it is none any more."""
        return t > self.limit(wait)
