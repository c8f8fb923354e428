"""latency: everything arrives later, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Item, Stage, Toxic, attribute, toxic

_MAX_JITTER_MS = 10**12  # a stock server draws below twice of it, which must not overflow


@toxic("latency", summary="every chunk, and the end, that much later, in order")
@dataclass(frozen=True)
class Latency(Toxic):
    """The socket sees each chunk `latency` ms after it was sent, plus or minus up to `jitter` ms.

    Chunks overlap in flight: a stream is delayed, not slowed. None overtakes another, so jitter
    on a dense stream delays more than it hastens. The FIN takes as long as data does. An update
    counts from when each chunk was sent; removal delivers what is in flight at once.
    """

    latency: int = attribute("ms")
    jitter: int = attribute("ms", most=_MAX_JITTER_MS)

    def stage(self, context: Context) -> Stage:
        """A queue of what is in flight."""
        return _InFlight(self, context)


class _InFlight(Stage):
    in_flight = True

    def __init__(self, toxic: Latency, context: Context) -> None:
        super().__init__()
        self._toxic = toxic
        self._context = context
        self._spread = 0.0
        self._delay = 0.0
        self._left = 0.0  # when the last item left: none behind it leaves earlier
        self._draws: deque[float] = deque()  # of the held items, from -1 to 1
        self.update(toxic, 0.0)

    def update(self, toxic: Latency, now: float) -> None:  # noqa: ARG002 - counts from arrival
        self._delay = toxic.latency / 1000
        self.delay_s = max(0.0, self._delay)
        self._spread = max(0, toxic.jitter) / 1000

    def push(self, item: Item, at: float) -> None:
        super().push(item, at)
        self._draws.append(self._context.rng().uniform(-1, 1) if self._spread else 0.0)

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - marks travel like data
        return max(at, self._left, at + self._delay + self._spread * self._draws[0])

    def pop(self, now: float) -> tuple[float, Item] | None:
        left = super().pop(now)
        if left:
            self._left = left[0]
            self._draws.popleft()
        return left

    def drain(self) -> list[Item]:
        self._draws.clear()
        return super().drain()
