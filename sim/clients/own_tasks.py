"""What a driver begins beside its `run` and what that raises: tasks of its own, and callbacks.

An exception that nobody takes is told by asyncio when the task is thrown away. That is too late: by
then a client that hears no answers any more looks like one of whom the gateway takes no notice.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any

from sim.clients.blame import begun_by_driver, begun_in
from sim.clients.driver_run import DriverRun

Heard = Callable[[Exception], object]
Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


class OwnTasks(dict[asyncio.Task[Any], DriverRun]):
    """What a client's driver has begun and what has not ended yet. `heard` is told their errors.

    What follows the journal begins tasks of ours in the middle of a driver; they are none of these.
    """

    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self.heard = heard


_own: ContextVar[OwnTasks | None] = ContextVar("own", default=None)

# Turns of the loop until whoever waited for a task has taken what it raised: woken in the first, or
# in the second after `asyncio.wait`, which tells its own caller.
_TURNS = 3


class _OwnTask(asyncio.Task[Any]):
    """A task that knows whether anybody has asked how it ended."""

    asked = False

    def result(self) -> Any:
        """See asyncio; a task that waits for this one is woken by it."""
        self.asked = True
        return super().result()

    def exception(self) -> BaseException | None:
        """See asyncio."""
        self.asked = True
        return super().exception()

    def __await__(self) -> Generator[Any, None, Any]:
        """See asyncio; whoever awaits a task that is done is not woken."""
        self.asked |= self.done()
        return super().__await__()


def hear_own_tasks(of: Heard) -> OwnTasks:
    """Tell what tasks that this one begins from now on raise and nobody takes, when they do.

    Gives those that run.
    """
    asyncio.get_running_loop().set_task_factory(_task)
    own = OwnTasks(of)
    _own.set(own)
    return own


def hearing_callbacks(of: Heard, otherwise: Handler) -> Handler:
    """An event loop's exception handler: what a driver began is told, `otherwise` has the rest."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and begun_in(error):
            of(error)
        else:
            otherwise(loop, context)

    return handle


def _task(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    /,
    **options: Any,
) -> asyncio.Future[Any]:
    own = _own.get()
    if own is None or not asyncio.iscoroutine(coro):
        return asyncio.Task(coro, loop=loop, **options)
    run = DriverRun(coro)
    task = _OwnTask(run, loop=loop, **options)
    if begun_by_driver(sys._getframe(1)):  # noqa: SLF001 - the documented way
        own[task] = run
        task.add_done_callback(own.pop)
    task.add_done_callback(lambda done: _tell_of(done, own.heard))
    return task


def _tell_of(task: _OwnTask, heard: Heard, turns: int = _TURNS) -> None:
    """Tell of an exception that none of those who waited for the task has taken."""
    if turns:
        task.get_loop().call_soon(_tell_of, task, heard, turns - 1)
    elif not task.asked and not task.cancelled():
        error = task.exception()
        if isinstance(error, Exception) and begun_in(error):
            heard(error)
