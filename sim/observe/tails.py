"""Tails: the clients that stayed on a region after DNS had stopped naming it first.

DNS moves a location at once; its clients follow when what they remember runs out, which for some
is never. A straggler is a client that, after DNS had left the region, still tried it in vain or
hung on it until its connection broke. One whose connection went on working is none: it lost
nothing by staying.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sim.observe.history import History


@dataclass(frozen=True)
class Straggler:
    """One client that stayed, for `stayed_s` after DNS had left.

    `left` says whether it ever connected to another region before DNS came back, or the run ended;
    one that did not stayed all of that time.
    """

    client: str
    resolver: str
    stayed_s: float
    left: bool


@dataclass(frozen=True)
class Tail:
    """A location whose DNS left a region at `from_s` and named it again at `to_s`.

    `to_s` is the run's end where it never did. `clients` counts all of the location's, by the
    personality of their resolvers. Times are simulated seconds from the load's start.
    """

    location: str
    region: str
    from_s: float
    to_s: float
    clients: Mapping[str, int]
    stragglers: Sequence[Straggler]

    def of(self, resolver: str) -> list[Straggler]:
        """The stragglers of one personality, the longest stay first."""
        return [straggler for straggler in self.stragglers if straggler.resolver == resolver]


def median_stay_s(stragglers: Sequence[Straggler]) -> float:
    """The median stay of those that stayed."""
    return median(straggler.stayed_s for straggler in stragglers)


def find_tails(history: History) -> list[Tail]:
    """Every departure of a location's DNS from a region that left somebody behind."""
    tails = []
    for location in history.locations:
        clients = history.clients_of(location)
        personalities = Counter(_resolver(history, client) for client in clients)
        for region, from_s, to_s in _departures(history, location):
            found = [_straggler(history, client, region, from_s, to_s) for client in clients]
            stayed = sorted((s for s in found if s), key=lambda s: (-s.stayed_s, s.client))
            if stayed:
                tails.append(Tail(location, region, from_s, to_s, personalities, stayed))
    return sorted(tails, key=lambda tail: (tail.from_s, tail.location))


def _resolver(history: History, client: str) -> str:
    return history.resolvers.get(client, "unknown")


def _departures(history: History, location: str) -> Iterator[tuple[str, float, float]]:
    """Each region that DNS stopped naming first, from when until when.

    While it names none there is nowhere to follow it to.
    """
    named = [
        (t, event.regions[0])
        for t, event in history.routing
        if event.location == location and event.regions
    ]
    for index, (left, first) in enumerate(named[1:], 1):
        region = named[index - 1][1]
        if region != first and 0 <= left < history.end:
            after = (t for t, again in named[index + 1 :] if again == region)
            yield region, left, min(next(after, history.end), history.end)


def _straggler(
    history: History, client: str, region: str, from_s: float, to_s: float
) -> Straggler | None:
    """What became of a client between DNS's leaving and its return; None if it did not stay."""
    failed = [(t, e.region) for t, e in history.connect_failed.get(client, ())]
    broken = [(t, e.region) for t, e in history.disconnected.get(client, ()) if not e.expected]
    vain = [t for t, where in failed + broken if where == region and from_s < t < to_s]
    if not vain:
        return None
    last = max(vain)
    left = any(
        last <= t < to_s and up.region != region for t, up in history.connected.get(client, ())
    )
    stayed_s = (last if left else to_s) - from_s
    return Straggler(client, _resolver(history, client), stayed_s, left)
