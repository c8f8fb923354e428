"""What a link server is asked for: proxies and toxics, checked before anything is sent.

The words are Toxiproxy's. A stock server dies of some attribute values (its process ends on the
first data), so they are refused here, by our client before a request and by our own server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Stream = Literal["upstream", "downstream"]

MAX_RATE_KB_S = 10**9
MAX_JITTER_MS = 10**12


@dataclass(frozen=True)
class ProxySpec:
    """A listener whose connections are carried on to `upstream`; both are `host:port`."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True

    def problem(self) -> str | None:
        """Why a link server cannot hold this proxy, or None."""
        if not self.name:
            return "missing required field: name"
        if "/" in self.name:
            return f"proxy name {self.name!r} has a '/': no request could address it"
        if not self.upstream:
            return "missing required field: upstream"
        return None


@dataclass(frozen=True)
class ToxicSpec:
    """One toxic on one stream of a proxy; its name is `<type>_<stream>` unless given."""

    type: str
    stream: Stream = "downstream"
    attributes: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    toxicity: float = 1.0

    @property
    def key(self) -> str:
        """The name by which the server knows it."""
        return self.name or f"{self.type}_{self.stream}"

    def body(self) -> dict[str, Any]:
        """The JSON object that creates it."""
        return {
            "name": self.key,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": dict(self.attributes),
        }

    def problem(self) -> str | None:
        """Why this must not reach a link server, or None."""
        if "/" in self.key:
            return f"toxic name {self.key!r} has a '/': no request could address it"
        return attributes_problem(self.type, self.attributes)


def attributes_problem(kind: str, attributes: Mapping[str, int]) -> str | None:
    """Why these values of a toxic's attributes would end a stock server's process, or None.

    bandwidth divides by the rate, slicer halves a chunk until it is small enough (never, when
    its sizes are 0) and latency draws below twice the jitter (which overflows).
    """
    for name, value in attributes.items():
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{kind}: {name} must be a whole number, not {value!r}"
    if kind == "bandwidth":
        rate = attributes.get("rate", 0)
        if not 0 <= rate <= MAX_RATE_KB_S:
            return f"bandwidth: rate must be 0 to {MAX_RATE_KB_S} KB/s, not {rate}"
    if kind == "latency":
        jitter = attributes.get("jitter", 0)
        if jitter > MAX_JITTER_MS:
            return f"latency: jitter must be at most {MAX_JITTER_MS} ms, not {jitter}"
    if kind == "slicer":
        size, variation = attributes.get("average_size", 0), attributes.get("size_variation", 0)
        if size < 1:
            return f"slicer: average_size must be at least 1 byte, not {size}"
        if not 0 <= variation <= size:
            return f"slicer: size_variation must be 0 to average_size ({size}), not {variation}"
    return None
