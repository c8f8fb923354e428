"""When a client acts: one turn per `every`, until the load ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sim.clock import Clock


class Term(Protocol):
    """The load's time as its clients see it. Seconds are simulated."""

    ends_at: float

    async def closing(self) -> None:
        """Return once the load is over and clients are to close."""


class Pace:
    """An asynchronous iterator of turns; it ends when clients are to close.

    A turn's number is the next of `numbers`, which outlive the connection: so it is new for
    whatever the client's earlier connections have told the gateway.

    The first turn is at once. Turns that a driver was too busy for are left out, not made up for.
    (A class, because an abandoned generator would cost the loop a task to finish it.)
    """

    def __init__(self, every_s: float, term: Term, clock: Clock, numbers: Iterator[int]) -> None:
        self._every_s = every_s
        self._term = term
        self._clock = clock
        self._numbers = numbers
        self._due = clock.now()

    def __aiter__(self) -> Pace:
        return self

    async def __anext__(self) -> int:
        """Wait for the next turn and return its number."""
        due = max(self._due, self._clock.now())
        await self._clock.sleep_until(min(due, self._term.ends_at))
        if due >= self._term.ends_at:  # asked again: a load may be stopped while its clients wait
            await self._term.closing()
            raise StopAsyncIteration
        self._due = due + self._every_s
        return next(self._numbers)
