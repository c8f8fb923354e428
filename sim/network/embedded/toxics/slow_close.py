"""slow_close: the end of the stream arrives late."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Item, Mark, Stage, Toxic, attribute, toxic


@toxic("slow_close", summary="the FIN comes that much later")
@dataclass(frozen=True)
class SlowClose(Toxic):
    """The socket sees all data at once, and the FIN `delay` ms after it was sent.

    It has to be on the stream in which the FIN travels: downstream when the server closes first.
    """

    delay: int = attribute("ms")

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that holds only the end."""
        return _LateEnd(self)


class _LateEnd(Stage):
    def __init__(self, toxic: SlowClose) -> None:
        super().__init__()
        self._delay = toxic.delay / 1000

    def update(self, toxic: SlowClose, now: float) -> None:  # noqa: ARG002 - counts from the FIN
        self._delay = toxic.delay / 1000

    def due(self, at: float, item: Item) -> float:
        return max(at, at + self._delay) if item in {Mark.END, Mark.END_BOTH} else at
