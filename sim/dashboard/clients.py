"""Where each client of the load is, what it holds from DNS, and who is cut off, as it happens.

Who is cut off, and for how long, follows the rule of `observe/outages.py`: a gap between answers
that is longer than the client's ordinary pace and than what the simulator itself stood still.
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
    HostStalled,
    LoadEnded,
    LoadStarted,
    Resolved,
)
from sim.observe.outages import Pace
from sim.topology.model import Topology


class Client:
    """One client. `since` is when it was served last, or first tried; `stalled_s` as of then."""

    __slots__ = (
        "answer",
        "expires",
        "location",
        "region",
        "served_by",
        "since",
        "stalled_s",
        "turned_away",
    )

    def __init__(self, location: str) -> None:
        self.location = location
        self.region: str | None = None
        self.served_by: str | None = None
        self.since: float | None = None
        self.stalled_s = 0.0
        self.turned_away = False
        self.answer: str | None = None
        self.expires: float | None = None


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
        self._speed = speed
        self._pace: Pace | None = None
        self._stalled_s = 0.0
        self.clients: dict[str, Client] = {}
        self.outages: dict[str, Outages] = {}
        self.started: float | None = None
        self.ended: float | None = None
        self.handlers: Mapping[type[Event], Callable[..., None]] = {
            LoadStarted: self._load_started,
            LoadEnded: self._load_ended,
            ClientMade: self._made,
            HostStalled: self._stalled,
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
        return (
            client.since is not None
            and (client.served_by is not None or client.turned_away)
            and now - client.since > self._allowed(client)
        )

    def _allowed(self, client: Client) -> float:
        if self._pace is None:
            return float("inf")
        own = self._stalled_s - client.stalled_s
        return self._pace.allowed(client.location, client.served_by) + own

    # --- the events ---

    def _load_started(self, t: float, event: LoadStarted) -> None:
        self.started, self.ended = t, None
        self.clients.clear()
        self.outages = {name: Outages() for name in self._topology.locations}
        self._pace = (
            None if event.every_s is None else Pace.of(self._topology, event.every_s, self._speed)
        )

    def _load_ended(self, t: float, _: LoadEnded) -> None:
        self.ended = t
        self.clients.clear()

    def _made(self, _: float, event: ClientMade) -> None:
        self.clients[event.client] = Client(event.location)

    def _stalled(self, _: float, event: HostStalled) -> None:
        self._stalled_s += event.real_ms / 1000 * self._speed

    def _resolved(self, t: float, event: Resolved) -> None:
        if client := self.clients.get(event.client):
            client.answer, client.expires = event.region, event.expires
            self._tries(t, client)

    def _connect_failed(self, t: float, event: ConnectFailed) -> None:
        if client := self.clients.get(event.client):
            client.region, client.turned_away = None, True
            self._tries(t, client)

    def _connected(self, t: float, event: Connected) -> None:
        if client := self.clients.get(event.client):
            client.region = event.region
            self._tries(t, client)

    def _disconnected(self, _: float, event: Disconnected) -> None:
        if client := self.clients.get(event.client):
            client.region = None
            client.turned_away = not event.expected or client.turned_away

    def _acked(self, t: float, event: Acked) -> None:
        client = self.clients.get(event.client)
        if client is None:
            return
        if self.cut_off(client, t) and client.since is not None:
            outages = self.outages[client.location]
            outages.count += 1
            outages.worst_s = max(outages.worst_s, t - client.since)
            outages.client_seconds += t - client.since
        client.since, client.stalled_s = t, self._stalled_s
        client.served_by = client.region = event.region

    def _tries(self, t: float, client: Client) -> None:
        if client.since is None:
            client.since, client.stalled_s = t, self._stalled_s


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
        if client.region is None:
            here.cut += cut_off
            here.connecting += not cut_off
        elif cut_off:
            here.unanswered += 1
        else:
            here.served[client.region] = here.served.get(client.region, 0) + 1
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
