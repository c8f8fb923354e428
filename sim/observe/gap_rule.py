"""What is an ordinary gap between two answers: only a longer one is an outage.

It is twice the time between a client's messages and what the gateway usually takes to answer there
(at least a round trip to the region that served it). A first answer may be slow: as long as the
client was not turned away, a gap within its patience (the load's timeout) is ordinary too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from sim.observe.events import LinksMeasured
from sim.observe.history import History
from sim.observe.usual import Usual
from sim.topology.distance import round_trip
from sim.topology.model import Topology

_FLOOR_REAL_S = 0.005  # what a few wake-ups of processes on the path take on a quiet host
# All clients of a load connect at its start, in this one process: what that costs is ours.
_START_REAL_S = 1.0


@dataclass(frozen=True)
class GapRule:
    """What is an ordinary gap: `every_s` between messages, `rtt_s` by (location, region).

    `patience_s` is how long a client waits for its first answer (infinity: not known), `usual` how
    long answers ordinarily take. Less than `floor_s` no run can tell, and `start_s` may go by until
    all clients have connected for the first time.
    """

    every_s: float
    rtt_s: dict[tuple[str, str], float]
    patience_s: float = math.inf
    usual: Usual = field(default_factory=Usual)
    floor_s: float = 0.0
    start_s: float = 0.0

    @classmethod
    def of(
        cls, topology: Topology, every_s: float, speed: float, timeout_s: float | None = None
    ) -> GapRule:
        """The rule for clients that send each `every_s`."""
        return cls(
            every_s,
            {
                (location, region): round_trip(topology, location, region).rtt_ms / 1000
                for location in topology.locations
                for region in topology.regions
            },
            math.inf if timeout_s is None else timeout_s,
            floor_s=_FLOOR_REAL_S * speed,
            start_s=_START_REAL_S * speed,
        )

    def as_seen_in(self, history: History) -> GapRule:
        """The rule with what was usual in a run."""
        told = ((t, event) for t, event in history.among(*Usual.kinds) if t <= history.end)
        added_ms = max((found.added_real_ms for _, found in history.of(LinksMeasured)), default=0.0)
        floor_s = max(self.floor_s, added_ms / 1000 * history.speed)
        return replace(self, usual=Usual(told), floor_s=floor_s)

    def allowed(self, location: str, region: str | None) -> float:
        """The longest gap that is no outage, in simulated seconds."""
        return self.every_s + self.resolution(location, region)

    def resolution(self, location: str, region: str | None) -> float:
        """How much of a gap may be a message's turn and its way, in simulated seconds."""
        rtt_s = self.rtt_s.get((location, region or ""), 0.0)
        return self.every_s + max(rtt_s, self.usual.seconds(location, region)) + self.floor_s

    def least_s(self, location: str) -> float:
        """In less no answer reaches a location: half a round trip to the nearest, for jitter."""
        return min((s for (at, _), s in self.rtt_s.items() if at == location), default=0.0) / 2

    def allowed_first(self) -> float:
        """The same for a client that was neither served yet nor turned away."""
        return max(2 * self.every_s, self.patience_s, self.start_s)
