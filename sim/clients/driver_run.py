"""One run of a driver, which can be left for good.

A driver may take its cancellation for an error like others and go on (`except BaseException`, or a
bare `except`). Whoever waited for it would wait for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from typing import Any

GOES_ON = "goes on although it was cancelled: what it catches must not be BaseException"


class DriverRun(Awaitable[None]):
    """Awaits a driver's `run`, a step at a time."""

    def __init__(self, of: Coroutine[Any, Any, None]) -> None:
        self._of = of
        self._left = False

    def leave(self) -> None:
        """Nothing of it runs any more; the next error thrown into it, a cancellation, ends it."""
        self._left = True

    def __await__(self) -> Generator[Any, Any, None]:
        """See asyncio; the same as awaiting the driver, until it is left."""
        step, given = self._of.send, None
        while True:
            try:
                waits_for = step(given)
            except StopIteration:
                return
            try:
                step, given = self._of.send, (yield waits_for)
            except BaseException as error:
                if self._left:
                    raise
                step, given = self._of.throw, error
