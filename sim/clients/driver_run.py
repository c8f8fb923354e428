"""What a driver runs, kept in bounds: it ends no program, and can be left for good.

`sys.exit` in a task would go through the event loop. And a driver may take its cancellation for an
error like others and go on (`except BaseException`, or a bare `except`): whoever waited for it
would wait for ever.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable, Coroutine, Generator, Mapping
from typing import Any

from sim.clients.blame import as_exception

GOES_ON = "goes on although it was cancelled: what it catches must not be BaseException"
STAYS_AWAY = "neither let the end of its connection through nor connected again"


class DriverRun(Coroutine[Any, Any, Any]):
    """A coroutine of a driver's, to be awaited or made a task of."""

    def __init__(self, of: Coroutine[Any, Any, Any]) -> None:
        self._of = of
        self._left = False

    def leave(self) -> None:
        """Nothing of it runs any more; the next error thrown into it, a cancellation, ends it.

        Python would still throw GeneratorExit into the driver's when it forgets it, and what takes
        that for an error too, and has no loop any more to wait on, goes round for ever: so it is
        never forgotten.
        """
        self._left = True
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._of))

    def send(self, value: Any) -> Any:
        """See Coroutine."""
        return self._step(self._of.send, value)

    def throw(self, *error: Any) -> Any:
        """See Coroutine."""
        if self._left:
            raise error[0]
        return self._step(self._of.throw, *error)

    def close(self) -> None:
        """See Coroutine."""
        self._of.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """See asyncio; the same as awaiting the driver's."""
        step: Callable[[Any], Any] = self.send
        given: Any = None
        while True:
            try:
                waits_for = step(given)
            except StopIteration as end:
                return end.value
            try:
                step, given = self.send, (yield waits_for)
            except BaseException as error:  # noqa: BLE001 - whatever it is goes into the driver
                step, given = self.throw, error

    def _step(self, step: Callable[..., Any], *of: Any) -> Any:
        try:
            return step(*of)
        except (Exception, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:
            raise as_exception(error) from error


async def end_all(
    tasks: Mapping[asyncio.Task[Any], Callable[[], object]], patience_real_s: float
) -> None:
    """Cancel tasks, and wait until they have ended.

    `tasks` has what leaves each (see DriverRun.leave); that is called for those that go on after
    `patience_real_s`.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        _, going_on = await asyncio.wait(tasks, timeout=patience_real_s)
        for task in going_on:
            tasks[task]()
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
