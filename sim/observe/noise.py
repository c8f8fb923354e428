"""Noise: how long the host kept the parts of a path waiting for a processor. Pure.

A message waits in one part of its path after another: in the simulator's own process (the client,
the edge, the embedded links), in the link server if that is a process of its own, in the region's
machine, in the database. So what its path waited is the sum over these, and of a region's machines
the one that waited most; but never longer than the time in which it waited. A wait of w real
seconds is w times the speed in simulated ones.

This is an upper bound (`path_s`): parts may have waited side by side, or for the sake of another
client. What the one part waited that waited most (`most_s`) is the more careful figure. The
simulator's own process waits again and again for the sake of all clients; one message and its
answer wake it a few times, each of which takes as long as its loop was late then, at most.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sim.observe.events import HostStalled, ProcessorWaits
from sim.observe.events.event import Event

OURS = "sim"
OURS_STILL = "sim (its loop stood still)"
_WAKES = 12  # of ours for a message and its answer: client, edge, two links, there and back


@dataclass(frozen=True)
class Wait:
    """What parts waited in (from_s, to_s], in simulated seconds by part."""

    to_s: float
    from_s: float
    by_part: Mapping[str, float]
    late_s: float = math.inf

    def within(self, from_s: float, to_s: float) -> float:
        """How much of this time lies in another."""
        return max(0.0, min(self.to_s, to_s) - max(self.from_s, from_s))


def wait_of(t: float, event: HostStalled | ProcessorWaits, speed: float) -> Wait:
    """The waits that an event at an instant tells of.

    A wait is told when it is over, so the longest may have begun before the event's window.
    """
    scale = speed / 1000
    if isinstance(event, HostStalled):
        return Wait(t, t - event.real_ms * scale, {OURS_STILL: event.real_ms * scale})
    longest_ms = max(event.window_ms, *event.waited_ms.values())
    waited = {part: ms * scale for part, ms in event.waited_ms.items()}
    late_s = math.inf if event.late_ms is None else event.late_ms * scale
    return Wait(t, t - longest_ms * scale, waited, late_s)


class Noise:
    """What the host kept waiting, by part and time, as far as it was told."""

    kinds: tuple[type[Event], ...] = (HostStalled, ProcessorWaits)

    def __init__(self, speed: float, told: Iterable[tuple[float, Event]] = ()) -> None:
        self._speed = speed
        # Of each wait, in the order of their ends: of a long run they are many.
        self._to_s = array("d")
        self._from_s = array("d")
        self._late_s = array("d")
        self._parts: list[tuple[str, ...]] = []  # each combination is there once
        self._parts_s: list[bytes] = []
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._longest_s = 0.0
        for t, event in told:
            if isinstance(event, HostStalled | ProcessorWaits):
                self.take(t, event)

    def __repr__(self) -> str:
        return f"<Noise of {len(self._to_s)} waits>"

    def take(self, t: float, event: HostStalled | ProcessorWaits) -> None:
        """Add what an event tells."""
        wait = wait_of(t, event, self._speed)
        self._longest_s = max(self._longest_s, wait.to_s - wait.from_s)
        parts = tuple(wait.by_part)
        k = bisect_right(self._to_s, wait.to_s)
        while k and self._to_s[k - 1] == wait.to_s and self._from_s[k - 1] > wait.from_s:
            k -= 1
        self._to_s.insert(k, wait.to_s)
        self._from_s.insert(k, wait.from_s)
        self._late_s.insert(k, wait.late_s)
        self._parts.insert(k, self._known.setdefault(parts, parts))
        self._parts_s.insert(k, array("d", wait.by_part.values()).tobytes())

    def path_s(self, regions: Collection[str], from_s: float, to_s: float) -> float:
        """The most that paths to these regions waited within a time, in simulated seconds."""
        waited_s, ours_s, late_s = 0.0, 0.0, 0.0
        for wait in self._touching(from_s, to_s):
            room_s = wait.within(from_s, to_s)
            path_s, machines_s = 0.0, 0.0
            for part, part_s in wait.by_part.items():
                region, of_machine, _ = part.partition("/")
                if of_machine and region in regions:
                    machines_s = max(machines_s, part_s)
                elif not of_machine and part != OURS:
                    path_s += part_s
            others_s = min(path_s + machines_s, room_s)
            waited_s += others_s
            if OURS in wait.by_part:
                ours_s += min(wait.by_part[OURS], room_s - others_s)
                late_s = max(late_s, wait.late_s)
        waited_s += min(ours_s, _WAKES * late_s)
        return min(waited_s, max(0.0, to_s - from_s))

    def most_s(self, regions: Collection[str], from_s: float, to_s: float) -> float:
        """How long the part of such a path that waited longest did so within a time."""
        waits = self._touching(from_s, to_s)
        late_s = max((wait.late_s for wait in waits if OURS in wait.by_part), default=0.0)
        found = self.by_part(from_s, to_s)
        if OURS in found:
            found[OURS] = min(found[OURS], _WAKES * late_s)
        on_it = (s for part, s in found.items() if "/" not in part or part.split("/")[0] in regions)
        return max(on_it, default=0.0)

    def any_s(self, regions: Collection[str], from_s: float, to_s: float) -> float:
        """The same for whatever a client does then, however often it wakes our process."""
        found = self.by_part(from_s, to_s)
        return max(
            (s for part, s in found.items() if "/" not in part or part.split("/")[0] in regions),
            default=0.0,
        )

    def ours_s(self, from_s: float, to_s: float) -> float:
        """What our own process waited within a time, by which what it does on time is late."""
        found = self.by_part(from_s, to_s)
        return found.get(OURS, 0.0) + found.get(OURS_STILL, 0.0)

    def by_part(self, from_s: float, to_s: float) -> dict[str, float]:
        """Simulated seconds that each part waited within a time, the longest first."""
        found: dict[str, float] = defaultdict(float)
        for wait in self._touching(from_s, to_s):
            for part, part_s in wait.by_part.items():
                found[part] += min(part_s, wait.within(from_s, to_s))
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _touching(self, from_s: float, to_s: float) -> Iterator[Wait]:
        for k in range(bisect_left(self._to_s, from_s), len(self._to_s)):
            if self._to_s[k] - self._longest_s >= to_s:
                return
            if self._from_s[k] < to_s:
                by_part = zip(self._parts[k], array("d", self._parts_s[k]), strict=True)
                yield Wait(self._to_s[k], self._from_s[k], dict(by_part), self._late_s[k])
