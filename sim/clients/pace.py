"""When a client acts: one turn per `every`, until its connection or the load ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from sim.clients.ending import ConnectionOverError, Telling
from sim.clock import Clock


class Term(Protocol):
    """The load's time as its clients see it. Seconds are simulated."""

    ends_at: float

    async def closing(self) -> None:
        """Return once the load is over and clients are to close."""


class Watch:
    """Wakes those who wait for their turn when a connection ends.

    `over` gives the error to raise once one has ended.
    """

    def __init__(self, over: Callable[[], ConnectionOverError | None] = lambda: None) -> None:
        self._over = over
        self._waiters: set[asyncio.Future[None]] = set()
        self._telling = Telling()

    async def sleep_until(self, instant: float, clock: Clock) -> None:
        """Wait until that instant. Raises at once what has ended the connection.

        Raises EndIgnored where it was asked again and again after that.
        """
        if error := self._over():
            await self._telling.raises(error)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = clock.call_later(max(0.0, instant - clock.now()), _wake, waiter)
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)
        if error := self._over():
            raise error

    def ended(self) -> None:
        """A connection has ended."""
        for waiter in self._waiters:
            _wake(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Pace:
    """An asynchronous iterator of turns; it ends when clients are to close.

    A turn's number is the next of `numbers`, which outlive the connection: so it is new for
    whatever the client's earlier connections have told the gateway.

    The first turn is at once. Turns that a driver was too busy for are left out, not made up for.
    An end of the connection is raised at once: ConnectionClosedError.
    (A class, because an abandoned generator would cost the loop a task to finish it.)
    """

    def __init__(
        self,
        every_s: float,
        term: Term,
        clock: Clock,
        numbers: Iterator[int],
        watch: Watch | None = None,
    ) -> None:
        self._every_s = every_s
        self._term = term
        self._clock = clock
        self._numbers = numbers
        self._watch = watch or Watch()
        self._due = clock.now()

    def __aiter__(self) -> Pace:
        return self

    async def __anext__(self) -> int:
        """Wait for the next turn and return its number."""
        due = max(self._due, self._clock.now())
        await self._watch.sleep_until(min(due, self._term.ends_at), self._clock)
        if due >= self._term.ends_at:  # asked again: a load may be stopped while its clients wait
            await self._term.closing()
            raise StopAsyncIteration
        self._due = due + self._every_s
        return next(self._numbers)
