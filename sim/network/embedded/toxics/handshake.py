"""handshake: a new connection costs a round trip before anything can be said."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Item, Stage, Toxic, attribute, toxic


@toxic(
    "handshake",
    summary="what is said within the first round trip of a connection leaves at its end, as after"
    " TCP's handshake. Put it before `latency`, on the upstream",
    stock=False,
)
@dataclass(frozen=True)
class Handshake(Toxic):
    """The socket sees nothing that was sent in the first `rtt` ms of a connection until they end.

    A proxy accepts at once; across a real path `connect` takes one round trip (SYN, SYN-ACK:
    RFC 9293, 3.5). Put it before `latency` on the upstream stream: what a client sends right
    after connecting then leaves one round trip later, as it would with TCP. Connections that
    are already older than that notice nothing. Not in stock Toxiproxy.
    """

    rtt: int = attribute("ms")

    def stage(self, context: Context) -> Stage:
        """A gate that opens once."""
        return _Gate(self, context.opened_at)


class _Gate(Stage):
    def __init__(self, toxic: Handshake, opened_at: float) -> None:
        super().__init__()
        self._opened_at = opened_at
        self._passes_at = opened_at + toxic.rtt / 1000

    def update(self, toxic: Handshake, now: float) -> None:  # noqa: ARG002 - counts from opening
        self._passes_at = self._opened_at + toxic.rtt / 1000

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - bytes and marks alike
        return max(at, self._passes_at)
