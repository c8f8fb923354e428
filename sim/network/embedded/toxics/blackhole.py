"""blackhole: nothing arrives while it lasts, and everything afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.network.embedded.toxics.base import NEVER, Context, Item, Stage, Toxic, toxic


@toxic(
    "blackhole",
    summary="silence, for TCP too: what is sent is not acknowledged, and `connect` times out."
    " Everything arrives after the removal, and no connection is lost",
    stock=False,
)
@dataclass(frozen=True)
class Blackhole(Toxic):
    """The socket sees silence: no data, no FIN, no RST of this stream.

    Where the server may filter its sockets (`streams.silence`), the sender's segments are dropped:
    it retransmits, TCP_USER_TIMEOUT and keepalives fire, and after the removal its retransmission
    carries on (which may take as long again as the silence: RFC 6298, 5.5). Elsewhere the sender
    can send as much as its buffers hold, and is acknowledged. New connections are not answered,
    unless the toxicity is below 1. Not in stock Toxiproxy, whose `timeout` loses the data and
    therefore has to drop the connections.
    """

    cuts: ClassVar[bool] = True

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that lets nothing go."""
        return Hole()


class Hole(Stage):
    """Holds everything, and hears nothing more."""

    deafens = True

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - whatever it is
        """Never."""
        return NEVER
