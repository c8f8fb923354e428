"""slicer: data arrives in small pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Item, Stage, Toxic, toxic
from sim.rng import Rng


@toxic("slicer")
@dataclass(frozen=True)
class Slicer(Toxic):
    """The socket sees each chunk cut into pieces, with `delay` µs after every piece.

    A chunk is halved until its pieces are at most `average_size` + `size_variation` bytes, so
    they are between half of `average_size` and all of it; the cuts are off the middle by up to
    `size_variation`. Without a delay TCP may join the pieces again.
    """

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def stage(self, context: Context) -> Stage:
        """A stage that cuts."""
        return _Cutter(self, context)


def cut(length: int, average: int, variation: int, rng: Callable[[], Rng]) -> list[int]:
    """The sizes of the pieces of a chunk of that many bytes; none is 0, their sum is `length`."""
    sizes: list[int] = []
    rest = [length]
    while rest:
        size = rest.pop()
        if size <= max(1, average + variation):
            sizes.append(size)
            continue
        half = size // 2
        if variation > 0:
            half = min(size - 1, max(1, half + rng().randrange(-variation, variation)))
        rest += (size - half, half)
    return sizes


class _Cutter(Stage):
    def __init__(self, toxic: Slicer, context: Context) -> None:
        super().__init__()
        self._toxic = toxic
        self._context = context
        self._free_at = 0.0

    def update(self, toxic: Slicer, now: float) -> None:  # noqa: ARG002 - for what comes next
        self._toxic = toxic

    def push(self, item: Item, at: float) -> None:
        if not isinstance(item, bytes):
            super().push(item, at)
            return
        start = 0
        toxic = self._toxic
        for size in cut(len(item), toxic.average_size, toxic.size_variation, self._context.rng):
            super().push(item[start : start + size], at)
            start += size

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - the end waits like a piece
        return max(at, self._free_at)

    def pop(self, now: float) -> tuple[float, Item] | None:
        left = super().pop(now)
        if left:
            self._free_at = left[0] + max(0, self._toxic.delay) / 1_000_000
        return left

    def drain(self) -> list[Item]:
        whole = b"".join(item for _, item in self.held if isinstance(item, bytes))
        marks = [item for item in super().drain() if not isinstance(item, bytes)]
        return [whole, *marks] if whole else list(marks)
