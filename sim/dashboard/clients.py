"""Where each client of the load is, what it holds from DNS, and who is cut off, as it happens.

Who is cut off, and for how long, follows the rule of `observe/outages.py`: a gap between answers
that is longer than the client's ordinary pace and than what the host kept its path waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    FaultBegan,
    LoadEnded,
    LoadStarted,
    Resolved,
)
from sim.observe.noise import Noise
from sim.observe.waits import Ordinary, Wait
from sim.topology.model import Topology


@dataclass(slots=True, eq=False)
class Client(Wait):
    """One client: where it is connected, and what it holds from DNS until when."""

    connected: str | None = None
    answer: str | None = None
    expires: float | None = None


@dataclass
class Outages:
    """The outages of a location's clients that are over, in simulated seconds."""

    count: int = 0
    worst_s: float = 0.0
    client_seconds: float = 0.0


class Crowd:
    """The clients of the load that runs, if one does. `outages` are of the last load."""

    def __init__(self, topology: Topology, speed: float) -> None:
        self._topology = topology
        self._ordinary = Ordinary(topology, speed)
        self.clients: dict[str, Client] = {}
        self.outages: dict[str, Outages] = {}
        self.started: float | None = None
        self.ended: float | None = None
        self.handlers: Mapping[type[Event], Callable[..., None]] = {
            LoadStarted: self._load_started,
            LoadEnded: self._load_ended,
            ClientMade: self._made,
            **dict.fromkeys(Noise.kinds, self._ordinary.learn),
            FaultBegan: self._fault_began,
            Resolved: self._resolved,
            ConnectFailed: self._connect_failed,
            Connected: self._connected,
            Disconnected: self._disconnected,
            Acked: self._acked,
        }

    def __repr__(self) -> str:
        return f"<Crowd of {len(self.clients)} clients>"

    @property
    def runs(self) -> bool:
        """Whether a load runs."""
        return self.started is not None and self.ended is None

    def cut_off(self, client: Client, now: float) -> bool:
        """Whether a client goes unserved for longer than is ordinary."""
        return self._ordinary.is_outage(client, now)

    # --- the events ---

    def _load_started(self, t: float, event: LoadStarted) -> None:
        self.started, self.ended = t, None
        self.clients.clear()
        self.outages = {name: Outages() for name in self._topology.locations}
        self._ordinary.learn(t, event)

    def _load_ended(self, t: float, _: LoadEnded) -> None:
        self.ended = t
        self.clients.clear()

    def _made(self, _: float, event: ClientMade) -> None:
        self.clients[event.client] = Client(event.location)

    def _fault_began(self, t: float, event: FaultBegan) -> None:
        self._ordinary.learn(t, event)
        for client in self.clients.values():
            self._ordinary.fault_began(t, client)

    def _resolved(self, t: float, event: Resolved) -> None:
        if client := self.clients.get(event.client):
            client.answer, client.expires = event.region, event.expires
            self._ordinary.tried(t, client)

    def _connect_failed(self, t: float, event: ConnectFailed) -> None:
        if client := self.clients.get(event.client):
            client.connected, client.turned_away = None, True
            self._ordinary.tried(t, client)

    def _connected(self, t: float, event: Connected) -> None:
        if client := self.clients.get(event.client):
            client.connected = event.region
            self._ordinary.tried(t, client)

    def _disconnected(self, _: float, event: Disconnected) -> None:
        if client := self.clients.get(event.client):
            client.connected = None
            client.turned_away = not event.expected or client.turned_away

    def _acked(self, t: float, event: Acked) -> None:
        self._ordinary.learn(t, event)
        client = self.clients.get(event.client)
        if client is None:
            return
        if self.cut_off(client, t) and client.since is not None:
            outages = self.outages[client.location]
            outages.count += 1
            outages.worst_s = max(outages.worst_s, t - client.since)
            outages.client_seconds += t - client.since
        self._ordinary.served(t, client, event.region)
        client.connected = event.region


@dataclass
class Whereabouts:
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


def whereabouts(crowd: Crowd, locations: Iterable[str], now: float) -> dict[str, Whereabouts]:
    """The clients of each location as they are now."""
    found = {name: Whereabouts(0, {}, {}) for name in locations}
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


def _hold(here: Whereabouts, region: str, expires: float | None, now: float) -> None:
    left = None if expires is None else max(0.0, expires - now)
    count, first, last = here.held.get(region, (0, float("inf"), 0.0))
    here.held[region] = (
        count + 1,
        min(first, float("inf") if left is None else left),
        None if left is None or last is None else max(last, left),
    )
