"""The link between two places of a topology, with the round trip that they have."""

from __future__ import annotations

from sim.network.conditions import LinkSpec
from sim.network.embedded.pipe import BUFFER_BYTES
from sim.topology.addresses import Endpoint
from sim.topology.distance import round_trip, stated_between
from sim.topology.model import Topology


def link_between(
    topology: Topology,
    places: tuple[str, str],
    listen: Endpoint,
    upstream: Endpoint,
    probe: bytes,
    *,
    handshake: bool = True,
    real_ms: float = 0.0,
) -> LinkSpec:
    """A link from the first of two places to the second; see LinkSpec for the rest."""
    source, target = places
    trip = round_trip(topology, source, target)
    stated = stated_between(topology, source, target)
    return LinkSpec(
        source=source,
        target=target,
        listen=listen,
        upstream=upstream,
        rtt_ms=trip.rtt_ms,
        jitter_ms=trip.jitter_ms,
        probe=probe,
        handshake=handshake,
        real_ms=real_ms,
        bandwidth_kbps=stated.bandwidth_kbps if stated else None,
        shared=bool(stated and stated.shared),
        buffer_bytes=(stated.buffer_bytes if stated else None) or BUFFER_BYTES,
    )
