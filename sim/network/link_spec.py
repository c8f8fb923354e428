"""What a link server is asked for: proxies and toxics, checked before anything is sent.

The words are Toxiproxy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sim.network.embedded.pipe import BUFFER_BYTES
from sim.network.embedded.toxics import attributes_problem

Stream = Literal["upstream", "downstream"]


@dataclass(frozen=True)
class ProxySpec:
    """A listener whose connections are carried on to `upstream`; both are `host:port`.

    `half_close`: an end of one direction leaves the other alone. `buffer_bytes`: what waits in each
    direction before its sender has to. `segment_bytes`: the largest segment of its connections, by
    which kernels size what they buffer (0: loopback's 64 KB). A stock server passes over these.
    """

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    half_close: bool = False
    buffer_bytes: int = BUFFER_BYTES
    segment_bytes: int = 0

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
