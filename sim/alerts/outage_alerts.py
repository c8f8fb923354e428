"""The alert outage: a location's clients are not served, by the rule of `observe/outages.py`.

A location's outage begins with the first of its clients whose wait is one (`observe/waits.py`), and
ends when the last one is served again, or the load is over. It is known only when the ordinary gap
is over, but began before.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

from sim.alerts.board import Condition
from sim.observe.events import (
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    LoadEnded,
    Resolved,
)
from sim.observe.waits import ClientWait, EndedWait, Waits
from sim.topology.model import Topology


class OutageWatch:
    """Finds locations whose clients are cut off. `due` says when to ask `overdue` next."""

    kinds = Waits.kinds

    def __init__(self, topology: Topology, speed: float) -> None:
        self._waits = Waits(topology, speed)
        self._cut_off: dict[str, set[str]] = {}
        self._heap: list[tuple[float, str]] = []
        self._looked_at: dict[str, float] = {}  # when the heap has a client looked at next

    @property
    def due(self) -> float:
        """The earliest instant at which silence alone may be an outage; infinity: never."""
        return self._heap[0][0] if self._heap else math.inf

    def take(self, t: float, event: Event) -> Iterator[Condition]:
        """What an event shows."""
        if isinstance(event, LoadEnded):
            yield from self._ended(t)
        over = self._waits.take(t, event)
        if over:
            yield from self._served(t, over)
        elif isinstance(event, Resolved | Connected | ConnectFailed | Disconnected):
            client = self._waits.clients.get(event.client)
            if client and client.name not in self._cut_off.get(client.location, ()):
                self._wait(client, self._waits.settled(client, t))

    def overdue(self, t: float) -> Iterator[Condition]:
        """What the silence up to an instant shows."""
        while self._heap and self._heap[0][0] < t:
            due, name = heapq.heappop(self._heap)
            client = self._waits.clients.get(name)
            if client is None or self._looked_at.get(name) != due:
                continue  # of a load that is over, or looked at earlier than was thought
            del self._looked_at[name]
            if t > (limit := self._waits.settled(client, t)):
                yield self._hit(client, client.since)
            else:
                self._wait(client, limit)

    def _served(self, t: float, over: EndedWait) -> Iterator[Condition]:
        client = over.client
        cut_off = self._cut_off.setdefault(client.location, set())
        if over.seconds and client.name not in cut_off:
            yield self._hit(client, over.since)
        if client.name not in self._looked_at:
            self._wait(client, self._waits.settled(client, t))
        if client.name in cut_off:
            cut_off.discard(client.name)
            if not cut_off:
                reason = f"every client of {client.location} is served again, {client.name} last"
                yield Condition("outage", client.location, wrong=False, reason=reason)

    def _wait(self, client: ClientWait, until: float) -> None:
        if until < self._looked_at.get(client.name, math.inf):
            self._looked_at[client.name] = until
            heapq.heappush(self._heap, (until, client.name))

    def _hit(self, client: ClientWait, since: float | None) -> Condition:
        self._cut_off.setdefault(client.location, set()).add(client.name)
        last = f"served last by {client.region}" if client.region else "never served yet"
        reason = f"{client.name} is not served ({last})"
        place, region = client.location, client.region
        return Condition("outage", place, wrong=True, reason=reason, region=region, since=since)

    def _ended(self, t: float) -> Iterator[Condition]:
        """The load is over: whoever is not served by now is asking no more."""
        yield from self.overdue(t)
        for location in self._cut_off:
            reason = "the load has ended: nobody asks any more"
            yield Condition("outage", location, wrong=False, reason=reason)
        self._cut_off.clear()
        self._heap.clear()
        self._looked_at.clear()
