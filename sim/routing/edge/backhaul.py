"""What joins an edge to the others: ways to their regions, and what all of them know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sim.routing.edge.loads import Loads
from sim.routing.machine_choice import MachineView
from sim.topology.addresses import Endpoint

# A region's machine by its id, as its worker knows it, whatever edges believe; None: not there.
MachineOfWorker = Callable[[str], MachineView | None]


class Backhaul(Protocol):
    """The ways from one region's edge to the other regions, and to its own region's worker."""

    @property
    def machine(self) -> MachineOfWorker:
        """The own region's worker's word."""

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
