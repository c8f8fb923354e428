"""How much later than in life TCP carries on after a silence, at a speed above 1. Pure.

What a silent link swallowed the kernel sends again by its own timer, which counts real time: first
after 200 ms (TCP_RTO_MIN of Linux), then after twice as long each time. In life that comes within
the silence or soon after its end. At `--speed 20` those 200 ms are 4 simulated seconds: what was
lost in a silence of 2 s comes that much after its end, or not before the next one begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sim.observe.events import LinkChanged
from sim.observe.events.event import Event

FIRST_REAL_S = 0.2


class Retransmission:
    """The ends of silences in which standing connections lost segments, as they were told."""

    kinds: tuple[type[Event], ...] = (LinkChanged,)

    def __init__(self, speed: float, told: Iterable[tuple[float, Event]] = ()) -> None:
        self._late_s = FIRST_REAL_S * (speed - 1)
        self._silent: set[str] = set()
        self._ends: list[tuple[float, frozenset[str]]] = []
        for t, event in told:
            if isinstance(event, LinkChanged):
                self.take(t, event)

    def __repr__(self) -> str:
        return f"<Retransmission after {len(self._ends)} silences>"

    def take(self, t: float, event: LinkChanged) -> None:
        """Learn of a link's change."""
        if event.state == "silent":
            if event.detail.get("silence") == "tcp":
                self._silent.add(event.link)
        elif event.link in self._silent:
            self._silent.remove(event.link)
            self._ends.append((t, frozenset(event.link.split(":"))))

    def late_s(self, places: Collection[str], from_s: float, to_s: float) -> float:
        """By how much what ends at `to_s` may be late, of links with an end in these places."""
        ends = sum(from_s < t <= to_s and not ends.isdisjoint(places) for t, ends in self._ends)
        return min(ends * self._late_s, max(0.0, to_s - from_s))
