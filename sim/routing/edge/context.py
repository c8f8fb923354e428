"""What all connections of an edge share, and how one says that the edge must answer itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sim.clock import Clock
from sim.observe.journal import Journal
from sim.routing.edge.dispatch import Dispatcher
from sim.routing.edge.edge_counters import Counters
from sim.routing.edge.request_id import RequestIds
from sim.routing.machine_choice import MachineView


@dataclass(frozen=True)
class EdgeContext:
    """What all connections of an edge share."""

    region: str
    dispatcher: Dispatcher
    request_ids: RequestIds
    clock: Clock
    journal: Journal
    app: str
    regions: Collection[str]
    force_https: bool = False
    idle_timeout_s: float = 60.0
    counters: Counters = field(default_factory=Counters)

    @property
    def forwards(self) -> bool:
        """Whether requests may leave the region, and say where they want to go: with anycast."""
        return self.dispatcher.backhaul is not None


class GiveUpError(Exception):
    """The edge has to answer in its own name: `machine` is the one to blame, if any."""

    def __init__(
        self,
        status: int,
        text: str,
        *,
        machine: MachineView | None = None,
        outcome: str = "failed",
        close: bool = True,
    ) -> None:
        self.status = status
        self.machine = machine
        self.outcome = outcome
        self.close = close
        super().__init__(text)
