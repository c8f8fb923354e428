"""How long a gateway ordinarily takes to answer: the median of the same run's answers. Pure.

By location and region, in simulated seconds, so with what the way, the gateway and its database
take. Medians, so that no hiccup hides itself. The answers before the first fault count, where there
are enough of them; to a region that nobody asked by then, all of them do.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

from sim.observe.events import Acked, FaultBegan
from sim.observe.events.event import Event

_ENOUGH = 20
_MOST = 1000  # answers to a place are enough for a median


class Usual:
    """What was ordinary as far as it was told, in the order of time."""

    kinds: tuple[type[Event], ...] = (Acked, FaultBegan)

    def __init__(self, told: Iterable[tuple[float, Event]] = ()) -> None:
        self._ordered: dict[tuple[str, str], list[float]] = {}
        self._settled: set[tuple[str, str]] = set()
        for _, event in told:
            self.take(event)

    def __repr__(self) -> str:
        return f"<Usual of {len(self._ordered)} ways>"

    def take(self, event: Event) -> None:
        """Learn from an answer; from a fault on, no more where enough is known."""
        if isinstance(event, FaultBegan):
            self._settled |= {way for way, got in self._ordered.items() if len(got) >= _ENOUGH}
        elif isinstance(event, Acked):
            way = (event.client.rpartition("/")[0], event.region)
            ordered = self._ordered.setdefault(way, [])
            if way not in self._settled and len(ordered) < _MOST:
                insort(ordered, event.latency_ms)

    def seconds(self, location: str, region: str | None) -> float:
        """The median of what a location's answers from a region took; 0 where none came."""
        ordered = self._ordered.get((location, region or ""))
        return ordered[len(ordered) // 2] / 1000 if ordered else 0.0
