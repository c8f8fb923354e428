"""blackhole: nothing arrives while it lasts, and everything afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import NEVER, Context, Item, Stage, Toxic, toxic


@toxic(
    "blackhole",
    summary="silence; everything arrives on removal, and no connection is lost. An attempt that its"
    " client gave up meanwhile is forgotten",
    stock=False,
)
@dataclass(frozen=True)
class Blackhole(Toxic):
    """The socket sees silence: no data, no FIN, no RST of this stream.

    The sender can send as much as its buffers hold and then waits. Removal lets everything
    through in order and closes nothing, as TCP's retransmission does after a partition (which
    may take longer by its backoff, RFC 6298, 5.5). Not in stock Toxiproxy, whose `timeout`
    loses the data and therefore has to drop the connections. A connection that its client gives
    up before anything of it got through is forgotten: across a real partition its SYN would never
    have arrived, so the far end is not to be told of it afterwards.
    """

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that lets nothing go."""
        return _Hole()


class _Hole(Stage):
    swallows_attempts = True

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - whatever it is
        return NEVER
