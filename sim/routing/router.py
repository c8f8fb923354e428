"""Which regions serve a location, in which order: pure decisions over what the topology says.

Nearness is the link's round trip. The preferred region is the nearest healthy one that the
location may use. When none of those is healthy the answer fails open: all of them are answered
as if healthy, as Route 53 and gdnsd do, because a belief that everything is down is more often a
broken checker than a broken world, and a client loses nothing by trying.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from sim.topology.distance import round_trip
from sim.topology.geography import continent
from sim.topology.model import Topology

T = TypeVar("T")


def preferred_regions(topology: Topology, location: str | None) -> tuple[str, ...]:
    """All regions, the nearest first; None is someone in no location, seen from the primary.

    Equally near regions keep the order of the file.
    """
    return tuple(sorted(topology.regions, key=lambda code: round_trip_ms(topology, location, code)))


def round_trip_ms(topology: Topology, location: str | None, region: str) -> float:
    """The configured round trip from a location, or from the primary region, to a region."""
    start = topology.primary.code if location is None else location
    return 0.0 if start == region else round_trip(topology, start, region).rtt_ms


def allowed_regions(topology: Topology, location: str | None) -> tuple[str, ...]:
    """The regions that may serve a location, the nearest first.

    With anycast nobody is refused: the network leads everyone to the nearest. With
    `when_none_local: refuse` those are its group: the regions that every residency policy
    naming it allows, else those on the continent of its nearest region. Otherwise all.
    """
    nearest_first = preferred_regions(topology, location)
    routing = topology.routing
    if routing.mode == "anycast" or routing.when_none_local == "nearest":
        return nearest_first
    policies = [set(p.regions) for p in topology.residency if location in p.locations]
    if policies:
        return tuple(code for code in nearest_first if all(code in regions for regions in policies))
    nearest = nearest_first[0]
    home = continent(nearest)
    # A region that is on no known continent is a group of its own.
    return tuple(
        code for code in nearest_first if code == nearest or (home and continent(code) == home)
    )


class Router:
    """A topology's routes with everything that health cannot change computed beforehand."""

    def __init__(self, topology: Topology) -> None:
        places: list[str | None] = [None, *topology.locations]
        self.allowed: Mapping[str | None, tuple[str, ...]] = MappingProxyType(
            {place: allowed_regions(topology, place) for place in places}
        )
        self._fails_open = topology.routing.all_down == "all"

    def route(self, healthy: Collection[str], location: str | None) -> tuple[str, ...]:
        """The healthy regions that may serve a location, the preferred one first.

        When there is none: all that may serve it, as if healthy, or nothing where the topology's
        `all_down` is not `all`.
        """
        allowed = self.allowed[location]
        chosen = tuple(code for code in allowed if code in healthy)
        return chosen or (allowed if self._fails_open else ())


def deciding_regions(
    allowed: tuple[str, ...], healthy: Collection[str], answers: int
) -> tuple[str, ...]:
    """The regions whose health, if it changed, would change the first `answers` of a route."""
    chosen = [code for code in allowed if code in healthy]
    if len(chosen) < answers:
        return allowed
    return allowed[: allowed.index(chosen[answers - 1]) + 1]


def route(topology: Topology, healthy: Collection[str], location: str | None) -> tuple[str, ...]:
    """What `Router.route` answers, for a single question."""
    return Router(topology).route(healthy, location)


def order_machines(machines: Sequence[T], turn: int) -> list[T]:
    """These (healthy) machines in round robin: the turn-th first, the others after it."""
    if not machines:
        return []
    start = turn % len(machines)
    return [*machines[start:], *machines[:start]]
