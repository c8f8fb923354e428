"""shared_bandwidth: a line of so many bytes a second, for all connections of a proxy together."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Stage, Toxic, attribute, toxic
from sim.network.embedded.toxics.line import MAX_RATE_KB_S, Line, OnLine

_SLICE_S = 0.01  # so long one connection keeps the others waiting, or for a segment
_SEGMENT_BYTES = 1448


@toxic(
    "shared_bandwidth",
    summary="a line of that rate for all connections together, which take turns on it, as on an"
    " uplink",
    stock=False,
)
@dataclass(frozen=True)
class SharedBandwidth(Toxic):
    """The sockets of all connections together see data at `rate` KB/s in this direction.

    Connections that have something to send take turns, a piece each; one that has nothing leaves
    the line to the others. Rate 0 stops it. Not in stock Toxiproxy, whose rates are each
    connection's own.
    """

    rate: int = attribute("KB/s", least=0, most=MAX_RATE_KB_S)

    def stage(self, context: Context) -> Stage:
        """A place on the line that all of them share."""
        line = context.common.setdefault(Line, Line())
        return OnLine(line, self, slice_s=_SLICE_S, least=_SEGMENT_BYTES)
