"""What lies between clients and machines: DNS, links and edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.observe.events.event import Event


@dataclass(frozen=True)
class RoutingChanged(Event):
    """From now on this location is led to these regions, the preferred one first."""

    kind = "routing_changed"
    location: str
    regions: tuple[str, ...]


@dataclass(frozen=True)
class LinkChanged(Event):
    """A link is now like this. Times are simulated milliseconds.

    `state` is up, refusing, silent, or unanswered (nobody new gets in).
    """

    kind = "link_changed"
    link: str
    state: str
    rtt_ms: float
    jitter_ms: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EdgeConnection(Event):
    """A connection through a region's edge has ended.

    `region` is the edge's, where TLS ends; `machine_region` is where the machine is, which with
    anycast may be another one. `client` is the peer's address as the edge knows it. `outcome` is
    closed (by either side), refused (no machine), failed (the machine broke off).
    """

    kind = "edge_connection"
    region: str
    machine: str | None
    location: str | None
    client: str
    bytes_in: int
    bytes_out: int
    real_ms: float
    outcome: str
    status: int | None = None
    machine_region: str | None = None


@dataclass(frozen=True)
class TlsHandshakeFailed(Event):
    """A client began TLS with a region's edge and did not come through. No request was made.

    `client` is the peer's address as the edge knows it.
    """

    kind = "tls_handshake_failed"
    region: str
    location: str | None
    client: str
    reason: str
