"""What a link is like, and the toxics that make it so. Pure: nothing here talks to a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from sim.network.embedded.pipe import BUFFER_BYTES
from sim.network.link_spec import ProxySpec, Stream, ToxicSpec
from sim.streams.buffers import ETHERNETS_SEGMENT
from sim.topology.addresses import Endpoint

Mode = Literal["silent", "refusing", "unanswered"]
End = Literal["source", "target"]
State = Literal["up", "silent", "refusing", "unanswered"]


@dataclass(frozen=True)
class LinkSpec:
    """A link to open: who connects to whom, where it listens and leads, and its round trip.

    `probe` is what a measurement sends on a connection of its own: any byte back ends it. An
    empty probe means that the link is not measured. With `handshake` a new connection costs one
    more round trip, as TCP's does. `bandwidth_kbps` is each connection's, or all of them have it
    together (`shared`). `buffer_bytes` wait in each direction of a connection before its sender has
    to. The last two and `handshake` are the embedded server's alone. `real_ms` of the round trip
    are a real network's beyond the far end, so that the link adds the rest.
    """

    source: str
    target: str
    listen: Endpoint
    upstream: Endpoint
    rtt_ms: float
    jitter_ms: float = 0.0
    probe: bytes = b""
    handshake: bool = False
    bandwidth_kbps: float | None = None
    shared: bool = False
    buffer_bytes: int = BUFFER_BYTES
    real_ms: float = 0.0

    @property
    def name(self) -> str:
        """The name of the proxy: one for each ordered pair of places."""
        return f"{self.source}:{self.target}"

    def proxy(self, enabled: bool) -> ProxySpec:
        """The proxy that carries it.

        Unlike Toxiproxy's own it keeps half-closed connections, and has segments of a network.
        """
        return ProxySpec(
            self.name,
            str(self.listen),
            str(self.upstream),
            enabled,
            half_close=True,
            buffer_bytes=self.buffer_bytes,
            segment_bytes=ETHERNETS_SEGMENT,
        )

    @property
    def conditions(self) -> Conditions:
        """What it is like while nothing is wrong."""
        return Conditions(
            self.rtt_ms,
            self.jitter_ms,
            self.bandwidth_kbps,
            self.shared,
            real_ms=self.real_ms,
        )


@dataclass(frozen=True)
class Conditions:
    """What a link is like now. Times are simulated, and of the whole round trip."""

    rtt_ms: float
    jitter_ms: float = 0.0
    bandwidth_kbps: float | None = None
    shared: bool = False  # the bandwidth: by all connections, else each has it
    loss_percent: float = 0.0
    cut: Mode | None = None
    towards: End | None = None  # the direction in which it is silent; None: both
    half_open: int = 0  # of the connections that stood when it came, so many are silent
    age_limit_s: float | None = None  # a connection that is older is reset
    real_ms: float = 0.0  # of the round trip: what a real network beyond the far end takes

    @property
    def state(self) -> State:
        """Whether anything gets through."""
        return self.cut or "up"

    @property
    def added_ms(self) -> float:
        """What the link itself has to add to a round trip."""
        return max(0.0, self.rtt_ms - self.real_ms)

    def detail(self) -> dict[str, Any]:
        """Whatever there is to say besides state, round trip and jitter."""
        found: dict[str, Any] = {}
        if self.bandwidth_kbps is not None:
            found["bandwidth_kbps"] = self.bandwidth_kbps
            if self.shared:
                found["shared"] = True
        if self.loss_percent:
            found["loss_percent"] = self.loss_percent
        if self.cut == "silent" and self.towards:
            found["towards"] = self.towards
        if self.half_open:
            found["half_open"] = self.half_open
        if self.age_limit_s is not None:
            found["age_limit_s"] = self.age_limit_s
        return found

    def toxics(self, *, handshake: bool, embedded: bool, speed: float) -> dict[str, ToxicSpec]:
        """The toxics that make a link so, by name, in the order in which they have to stand.

        The embedded server knows the world's clock; a stock one's milliseconds are real, and whole.
        """
        if not embedded and speed != 1:
            return self._in_real_time(speed).toxics(handshake=handshake, embedded=False, speed=1)
        streams: tuple[Stream, Stream] = ("upstream", "downstream")
        specs = [spec for s in streams for spec in self._toxics(s, handshake, embedded)]
        return {spec.key: spec for spec in specs}

    def _in_real_time(self, speed: float) -> Conditions:
        rate = self.bandwidth_kbps
        return replace(
            self,
            rtt_ms=self.rtt_ms / speed,
            jitter_ms=self.jitter_ms / speed,
            real_ms=self.real_ms / speed,
            bandwidth_kbps=None if rate is None else rate * speed,
        )

    def _toxics(self, stream: Stream, handshake: bool, embedded: bool) -> Iterator[ToxicSpec]:
        def named(kind: str, **attributes: int) -> ToxicSpec:
            return ToxicSpec(kind, stream, attributes, name=f"link_{kind}_{stream}")

        upstream = stream == "upstream"
        if handshake and upstream:
            yield named("handshake", rtt=round(self.added_ms))
        latency, jitter = half(self.added_ms, upstream), half(self.jitter_ms, upstream)
        if latency or jitter:
            yield named("latency", latency=latency, jitter=jitter)
        if self.bandwidth_kbps is not None:
            kind = "shared_bandwidth" if self.shared else "bandwidth"
            yield named(kind, rate=max(1, round(self.bandwidth_kbps / 8)))
        if self.loss_percent:
            yield named("loss", ppm=round(self.loss_percent * 10_000), rtt=round(self.rtt_ms))
        if self.cut == "silent" and self.towards in {None, "target" if upstream else "source"}:
            yield named("blackhole") if embedded else named("timeout", timeout=0)
        if self.cut == "unanswered" and upstream:
            yield named("unanswered")
        if self.half_open:
            yield named("half_open", connections=self.half_open)
        if self.age_limit_s is not None:  # on both: a half-closed connection has but one
            yield named("limit_age", age=max(1, round(self.age_limit_s * 1000)))


def half(whole_ms: float, first: bool) -> int:
    """One of two whole numbers whose sum is the nearest whole number of milliseconds."""
    whole = max(0, round(whole_ms))
    return whole // 2 if first else whole - whole // 2
