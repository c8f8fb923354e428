"""Where each client of the load is, what it holds from DNS, and who is cut off, as it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.observe.events import Event, LoadEnded, LoadStarted
from sim.observe.waits import ClientWait, Waits
from sim.topology.model import Topology


@dataclass
class Outages:
    """The outages of a location's clients that are over, in simulated seconds."""

    count: int = 0
    worst_s: float = 0.0
    client_seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.worst_s = max(self.worst_s, seconds)
        self.client_seconds += seconds


class Crowd:
    """The clients of the load that runs, if one does. `outages` are of the last load."""

    kinds = Waits.kinds

    def __init__(self, topology: Topology, speed: float) -> None:
        self._topology = topology
        self._waits = Waits(topology, speed)
        self.outages: dict[str, Outages] = {}
        self.started: float | None = None
        self.ended: float | None = None

    def __repr__(self) -> str:
        return f"<Crowd of {len(self.clients)} clients>"

    @property
    def clients(self) -> dict[str, ClientWait]:
        """The clients by name."""
        return self._waits.clients

    @property
    def runs(self) -> bool:
        """Whether a load runs."""
        return self.started is not None and self.ended is None

    def cut_off(self, client: ClientWait, now: float) -> bool:
        """Whether a client goes unserved for longer than is ordinary."""
        return self._waits.is_outage(client, now)

    def take(self, t: float, event: Event) -> None:
        """Take an event in."""
        over = self._waits.take(t, event)
        if over and over.seconds:
            self.outages[over.client.location].add(over.seconds)
        elif isinstance(event, LoadStarted):
            self.started, self.ended = t, None
            self.outages = {name: Outages() for name in self._topology.locations}
        elif isinstance(event, LoadEnded):
            self.ended = t


@dataclass
class LocationClients:
    """A location's clients at an instant, counted by what they are.

    `held` has, by the region that an answer from DNS names, how many clients hold it, and the
    remaining seconds of the first and the last of them to expire (None: never).
    """

    total: int
    served: dict[str, int]
    held: dict[str, tuple[int, float, float | None]]
    unanswered: int = 0
    cut: int = 0
    connecting: int = 0


def clients_by_location(
    crowd: Crowd, locations: Iterable[str], now: float
) -> dict[str, LocationClients]:
    """The clients of each location as they are now."""
    found = {name: LocationClients(0, {}, {}) for name in locations}
    for client in crowd.clients.values():
        here = found[client.location]
        here.total += 1
        cut_off = crowd.cut_off(client, now)
        if client.connected is None:
            here.cut += cut_off
            here.connecting += not cut_off
        elif cut_off:
            here.unanswered += 1
        else:
            here.served[client.connected] = here.served.get(client.connected, 0) + 1
        if client.answer is not None:
            _hold(here, client.answer, client.expires, now)
    return found


def _hold(here: LocationClients, region: str, expires: float | None, now: float) -> None:
    left = None if expires is None else max(0.0, expires - now)
    count, first, last = here.held.get(region, (0, float("inf"), 0.0))
    here.held[region] = (
        count + 1,
        min(first, float("inf") if left is None else left),
        None if left is None or last is None else max(last, left),
    )
