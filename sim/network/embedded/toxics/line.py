"""A line that carries one piece at a time, and a stage whose bytes cross it.

A stage takes the line's next free time for its first piece as soon as it has one, and for another
only when that has left. So stages that share a line take turns on it, however much each has.
"""

from __future__ import annotations

from typing import Protocol

from sim.network.embedded.toxics.base import ITEM_COST, NEVER, Item, Stage

MAX_RATE_KB_S = 10**9  # a stock server divides by it

_PIECE_BYTES = 32 * 1024
_CATCH_UP_S = 0.1  # a line that stood idle or blocked longer than this has lost that time


class Line:
    """When a line is free next, in seconds of the server's clock."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self._rate = 0.0

    def become(self, rate: float, now: float) -> None:
        """Have another rate: the turns that were taken for later are nobody's any more."""
        if rate != self._rate:
            self._rate, self.free_at = rate, now


class Rated(Protocol):
    """A toxic with a rate in KB/s."""

    @property
    def rate(self) -> int:
        """1 KB is 1000 bytes."""


class OnLine(Stage):
    """Cuts what it holds into pieces, of at most `slice_s` of the line's time or `least` bytes."""

    def __init__(self, line: Line, toxic: Rated, *, slice_s: float, least: int = 1) -> None:
        super().__init__()
        self._line = line
        self._slice_s = slice_s
        self._least = least
        self._starts_at = NEVER  # the turn of the first piece
        self._piece = 0  # its size; an end has none, and takes no time on the line
        self._left_at = 0.0
        self.rate = toxic.rate * 1000.0
        line.become(self.rate, line.free_at)

    def update(self, toxic: Rated, now: float) -> None:
        """Go on at another rate; a piece that is on the line keeps its start."""
        rate = toxic.rate * 1000.0
        if rate == self.rate:
            return
        self._line.become(rate, now)
        self.rate = rate
        if not rate or self._starts_at > now:
            self._starts_at = NEVER
        self._take_turn()

    def push(self, item: Item, at: float) -> None:
        """Take an item that arrived at `at`."""
        super().push(item, at)
        self._take_turn()

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - its turn was taken before
        """When the first piece is complete."""
        return self._starts_at + (self._piece / self.rate if self._piece else 0.0)

    def pop(self, now: float) -> tuple[float, Item] | None:
        """The first piece once its time on the line is over."""
        due = self.wake_at()
        if due > now:
            return None
        self._left_at, self._starts_at = due, NEVER
        self._line.free_at = max(self._line.free_at, now - _CATCH_UP_S)
        at, item = self.held.popleft()
        if isinstance(item, bytes) and self._piece < len(item):
            self.held.appendleft((at, item[self._piece :]))
            item = item[: self._piece]
            self.size -= len(item)
        else:
            self.size -= self._piece + ITEM_COST
        self._take_turn()
        return due, item

    def drain(self) -> list[Item]:
        """Everything held, the piece on the line too."""
        self._starts_at = NEVER
        return super().drain()

    def _take_turn(self) -> None:
        """Take the line's next free time for the first piece, if it has none yet."""
        if not self.held or self._starts_at != NEVER:
            return
        at, item = self.held[0]
        if not isinstance(item, bytes):
            self._piece, self._starts_at = 0, max(at, self._left_at)
        elif self.rate:
            most = max(self._least, int(self.rate * self._slice_s))
            self._piece = min(len(item), _PIECE_BYTES, most)
            self._starts_at = max(at, self._left_at, self._line.free_at)
            self._line.free_at = self._starts_at + self._piece / self.rate
