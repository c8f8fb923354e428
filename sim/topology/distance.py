"""The round trip between two places: what the file says of the pair, else a model of distance.

Light in fibre covers about 200 km in a millisecond (two thirds of c), so no round trip is
shorter than distance / 100 km in milliseconds. Real paths are longer:

- between regions, over a provider's backbone: 1.4 times that, and a millisecond for equipment.
  Published figures of long-haul pairs (London-New York 70-80 ms, London-Singapore 160-180 ms)
  lie at 1.2 to 1.7 times the floor.
- from clients, over the public internet: 2.1 times, the rule of thumb in Bozkurt et al.,
  "Dissecting Latency in the Internet's Fiber Infrastructure" (2018), and 10 ms for the last
  mile, the middle of the 5 to 20 ms that access networks add.

Jitter is a twentieth of the round trip: the middle of the usual 3 to 8 %. The great circle is a
poor guide where cables go around (London-Tokyo takes 200 ms and more): state such pairs in the
topology's `links`.
"""

from __future__ import annotations

from typing import NamedTuple

from sim.topology.geography import distance_km
from sim.topology.model import Coordinates, LinkOverride, Location, Topology

FIBRE_KM_PER_RTT_MS = 100.0
BACKBONE_STRETCH = 1.4
BACKBONE_EQUIPMENT_MS = 1.0
INTERNET_STRETCH = 2.1
LAST_MILE_MS = 10.0
SAME_REGION_MS = 0.5
JITTER_SHARE = 0.05


class RoundTrip(NamedTuple):
    """The round-trip time of a path, and how far single trips stray from it, in milliseconds."""

    rtt_ms: float
    jitter_ms: float


def backbone_rtt_ms(a: Coordinates, b: Coordinates) -> float:
    """The modelled round trip between two regions."""
    return BACKBONE_STRETCH * distance_km(a, b) / FIBRE_KM_PER_RTT_MS + BACKBONE_EQUIPMENT_MS


def internet_rtt_ms(a: Coordinates, b: Coordinates) -> float:
    """The modelled round trip between a client and a region."""
    return INTERNET_STRETCH * distance_km(a, b) / FIBRE_KM_PER_RTT_MS + LAST_MILE_MS


def round_trip(topology: Topology, a: str, b: str) -> RoundTrip:
    """The round trip between two places, the same in either order.

    A place is a region's code, a location's name or a service's. Raises KeyError for another name.
    """
    stated = stated_between(topology, a, b)
    if stated and stated.rtt_ms is not None:
        return RoundTrip(stated.rtt_ms, stated.jitter_ms)
    start, end = topology.place(a), topology.place(b)
    if isinstance(start, Location) or isinstance(end, Location):
        rtt_ms = internet_rtt_ms(start.at, end.at)
    elif start == end:
        return RoundTrip(SAME_REGION_MS, 0.0)
    else:
        rtt_ms = backbone_rtt_ms(start.at, end.at)
    return RoundTrip(round(rtt_ms, 3), round(rtt_ms * JITTER_SHARE, 3))


def stated_between(topology: Topology, a: str, b: str) -> LinkOverride | None:
    """What the file says of the path between two places, in either order."""
    for pair in ({a, b}, {_region_of(topology, a), _region_of(topology, b)}):
        for override in topology.links:
            if set(override.between) == pair:
                return override
    return None


def _region_of(topology: Topology, name: str) -> str:
    return topology.services[name].region if name in topology.services else name
