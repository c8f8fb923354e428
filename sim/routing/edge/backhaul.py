"""What joins an edge to the others: ways to their regions, and what all of them know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sim.routing.edge.loads import Loads
from sim.topology.addresses import Endpoint


class Backhaul(Protocol):
    """The ways from one region's edge to the other regions."""

    def door(self, region: str) -> Endpoint:
        """Where to connect for that region's worker."""

    def rtt_ms(self, region: str) -> float:
        """The round trip to a region now, in real milliseconds; the own one's too."""

    def is_up(self, region: str) -> bool:
        """Whether anything gets through to a region, as probes would soon find."""


@dataclass(frozen=True)
class Network:
    """What one edge has of it. With geodns there is no backhaul: each edge keeps to its region."""

    loads: Loads
    backhaul: Backhaul | None = None
