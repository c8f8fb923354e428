"""bandwidth: a line of so many bytes a second, for each connection and direction."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Stage, Toxic, attribute, toxic
from sim.network.embedded.toxics.line import MAX_RATE_KB_S, Line, OnLine

_SLICE_S = 0.1


@toxic("bandwidth", summary="a line of that rate; 0 stands still and loses nothing")
@dataclass(frozen=True)
class Bandwidth(Toxic):
    """The socket sees data at `rate` KB/s (1 KB = 1000 bytes), each piece when it is complete.

    Rate 0 stops the line without closing it; nothing is lost, and an update or the removal lets
    everything through.
    """

    rate: int = attribute("KB/s", least=0, most=MAX_RATE_KB_S)

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A line with one piece on it at a time."""
        return OnLine(Line(), self, slice_s=_SLICE_S)
