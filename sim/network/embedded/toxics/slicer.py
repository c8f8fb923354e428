"""slicer: data arrives in small pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sim.network.embedded.toxics.base import (
    ITEM_COST,
    Context,
    Item,
    Stage,
    Toxic,
    attribute,
    toxic,
)
from sim.rng import Rng


@toxic("slicer", summary="small pieces, a delay after each")
@dataclass(frozen=True)
class Slicer(Toxic):
    """The socket sees each chunk cut into pieces, with `delay` µs after every piece.

    A chunk is halved until its pieces are at most `average_size` + `size_variation` bytes, so
    they are between half of `average_size` and all of it; the cuts are off the middle by up to
    `size_variation`. Without a delay TCP may join the pieces again.
    """

    average_size: int = attribute("bytes", least=1)
    size_variation: int = attribute("bytes", least=0)
    delay: int = attribute("µs")

    @classmethod
    def problem(cls, attributes: Mapping[str, int]) -> str | None:
        """A stock server halves a chunk until it is small enough: with these sizes it never is."""
        size, variation = attributes.get("average_size", 0), attributes.get("size_variation", 0)
        if problem := super().problem(attributes):
            return problem
        if variation > size:
            return f"slicer: size_variation must be 0 to average_size ({size}), not {variation}"
        return None

    def stage(self, context: Context) -> Stage:
        """A stage that cuts."""
        return _Cutter(self, context)


def cut(length: int, average: int, variation: int, rng: Callable[[], Rng]) -> Iterator[int]:
    """The sizes of the pieces of a chunk of that many bytes; none is 0, their sum is `length`."""
    rest = [length]
    while rest:
        size = rest.pop()
        if size <= max(1, average + variation):
            yield size
            continue
        half = size // 2
        if variation > 0:
            half = min(size - 1, max(1, half + rng().randrange(-variation, variation)))
        rest += (size - half, half)


class _Cutter(Stage):
    def __init__(self, toxic: Slicer, context: Context) -> None:
        super().__init__()
        self._toxic = toxic
        self._context = context
        self._free_at = 0.0
        self._sizes: Iterator[int] | None = None  # of the pieces of the first held chunk
        self._offset = 0  # where its next piece begins

    def update(self, toxic: Slicer, now: float) -> None:  # noqa: ARG002 - for what comes next
        self._toxic = toxic

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - the end waits like a piece
        return max(at, self._free_at)

    def pop(self, now: float) -> tuple[float, Item] | None:
        due = self.wake_at()
        if due > now:
            return None
        item = self.held[0][1]
        # From now and not from when it was due: a late wake-up must not join two pieces.
        self._free_at = now + max(0, self._toxic.delay) / 1_000_000
        if isinstance(item, bytes):
            item = self._next_piece(item)
        if not self._sizes:
            self.held.popleft()
            self.size -= ITEM_COST
        return due, item

    def _next_piece(self, chunk: bytes) -> bytes:
        if self._sizes is None:
            sizes = (self._toxic.average_size, self._toxic.size_variation)
            self._sizes = cut(len(chunk), *sizes, self._context.rng)
        start = self._offset
        self._offset += next(self._sizes)
        self.size -= self._offset - start
        piece = chunk[start : self._offset]
        if self._offset == len(chunk):
            self._sizes, self._offset = None, 0
        return piece

    def drain(self) -> list[Item]:
        items, offset = super().drain(), self._offset
        self._sizes, self._offset = None, 0
        if offset and isinstance(items[0], bytes):
            items[0] = items[0][offset:]
        return items
