"""outage: clients of a location are not served, by the rule of `observe/outages.py`, as it happens.

A client of the load is cut off once it was not served for longer than its ordinary pace and
what the host kept its path waiting; one that was never served once it was turned
away, or its patience is over. A location's outage begins with its first client and ends when the
last one is served again, or the load is over. It is known only when the ordinary gap is over, but
began before.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim.alerts.board import Finding
from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    FaultBegan,
    LoadEnded,
    Resolved,
)
from sim.observe.waits import Ordinary, Wait
from sim.topology.model import Topology


@dataclass(slots=True, eq=False, kw_only=True)
class _Client(Wait):
    """One client of the load. `looked_at`: when the heap has it looked at next."""

    name: str
    looked_at: float = math.inf


class OutageWatch:
    """Finds locations whose clients are cut off. `due` says when to ask `overdue` next."""

    kinds = (
        *Ordinary.kinds,
        *(ClientMade, LoadEnded, Resolved, Connected, ConnectFailed, Disconnected),
    )

    def __init__(self, topology: Topology, speed: float) -> None:
        self._ordinary = Ordinary(topology, speed)
        self._clients: dict[str, _Client] = {}
        self._cut_off: dict[str, set[str]] = {}
        self._heap: list[tuple[float, str]] = []

    @property
    def due(self) -> float:
        """The earliest instant at which silence alone may be an outage; infinity: never."""
        return self._heap[0][0] if self._heap else math.inf

    def take(self, t: float, event: Event) -> Iterator[Finding]:
        """What an event shows."""
        self._ordinary.learn(t, event)
        match event:
            case Acked():
                if client := self._clients.get(event.client):
                    yield from self._served(t, client, event.region)
            case Resolved() | Connected() | ConnectFailed() | Disconnected():
                if client := self._clients.get(event.client):
                    self._tried(t, client, event)
            case FaultBegan():
                for client in self._clients.values():
                    self._ordinary.fault_began(t, client)
            case ClientMade():
                client = _Client(location=event.location, name=event.client)
                self._clients[event.client] = client
            case LoadEnded():
                yield from self._ended(t)

    def overdue(self, t: float) -> Iterator[Finding]:
        """What the silence up to an instant shows."""
        while self._heap and self._heap[0][0] < t:
            due, name = heapq.heappop(self._heap)
            client = self._clients.get(name)
            if client is None or client.looked_at != due:
                continue  # of a load that is over, or looked at earlier than was thought
            client.looked_at = math.inf
            if t > (limit := self._ordinary.settled(client, t)):
                yield self._hit(client)
            else:
                self._wait(client, limit)

    def _tried(self, t: float, client: _Client, event: Event) -> None:
        self._ordinary.tried(t, client)
        if isinstance(event, ConnectFailed) or (
            isinstance(event, Disconnected) and not event.expected
        ):
            client.turned_away = True
        if client.name not in self._cut_off.get(client.location, ()):
            self._wait(client, self._ordinary.settled(client, t))

    def _served(self, t: float, client: _Client, region: str) -> Iterator[Finding]:
        cut_off = self._cut_off.setdefault(client.location, set())
        if self._ordinary.is_outage(client, t) and client.name not in cut_off:
            yield self._hit(client)
        self._ordinary.served(t, client, region)
        if math.isinf(client.looked_at):
            self._wait(client, self._ordinary.settled(client, t))
        if client.name in cut_off:
            cut_off.discard(client.name)
            if not cut_off:
                reason = f"every client of {client.location} is served again, {client.name} last"
                yield Finding("outage", client.location, wrong=False, reason=reason)

    def _wait(self, client: _Client, until: float) -> None:
        if until < client.looked_at:
            client.looked_at = until
            heapq.heappush(self._heap, (until, client.name))

    def _hit(self, client: _Client) -> Finding:
        self._cut_off.setdefault(client.location, set()).add(client.name)
        last = f"served last by {client.region}" if client.region else "never served yet"
        reason = f"{client.name} is not served ({last})"
        place, region, since = client.location, client.region, client.since
        return Finding("outage", place, wrong=True, reason=reason, region=region, since=since)

    def _ended(self, t: float) -> Iterator[Finding]:
        """The load is over: whoever is not served by now is asking no more."""
        yield from self.overdue(t)
        for location in self._cut_off:
            reason = "the load has ended: nobody asks any more"
            yield Finding("outage", location, wrong=False, reason=reason)
        self._clients.clear()
        self._cut_off.clear()
        self._heap.clear()
