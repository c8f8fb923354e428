"""bandwidth: a line of so many bytes a second, for each connection and direction."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import NEVER, Context, Item, Stage, Toxic, attribute, toxic

_SLICE_BYTES = 32 * 1024
_SLICE_S = 0.1  # at most so much of the line's time in one piece
_CATCH_UP_S = 0.1  # a line that stood idle or blocked longer than this has lost that time

_MAX_RATE_KB_S = 10**9  # a stock server divides by it


@toxic("bandwidth", summary="a line of that rate; 0 stands still and loses nothing")
@dataclass(frozen=True)
class Bandwidth(Toxic):
    """The socket sees data at `rate` KB/s (1 KB = 1000 bytes), each piece when it is complete.

    Rate 0 stops the line without closing it; nothing is lost, and an update or the removal lets
    everything through.
    """

    rate: int = attribute("KB/s", least=0, most=_MAX_RATE_KB_S)

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A line with one piece on it at a time."""
        return _Line(self)


class _Line(Stage):
    def __init__(self, toxic: Bandwidth) -> None:
        super().__init__()
        self._rate = 0.0  # bytes a second
        self._free_at = 0.0
        self.update(toxic, 0.0)

    def update(self, toxic: Bandwidth, now: float) -> None:
        if not self._rate:
            self._free_at = now  # the line stood still until now
        self._rate = toxic.rate * 1000.0

    def _piece(self, item: bytes) -> int:
        return min(len(item), _SLICE_BYTES, max(1, int(self._rate * _SLICE_S)))

    def due(self, at: float, item: Item) -> float:
        start = max(at, self._free_at)
        if not isinstance(item, bytes):
            return start
        return start + self._piece(item) / self._rate if self._rate else NEVER

    def pop(self, now: float) -> tuple[float, Item] | None:
        if not self.held:
            return None
        at, item = self.held[0]
        due = self.due(at, item)
        if due > now:
            return None
        self._free_at = max(due, now - _CATCH_UP_S)
        self.held.popleft()
        if isinstance(item, bytes):
            size = self._piece(item)
            self.size -= size
            if size < len(item):
                self.held.appendleft((at, item[size:]))
                item = item[:size]
        return due, item
