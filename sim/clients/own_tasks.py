"""What tasks of a driver's own raise, such as one that takes the answers.

An exception that nobody takes is told by asyncio when the task is thrown away. That is too late: by
then a client that hears no answers any more looks like one of whom the gateway takes no notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any

Heard = Callable[[Exception], object]

_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)
_OTHERS = {"sim", "aiohttp", "asyncio"}  # packages whose tasks a client begins too


def hear_own_tasks(of: Heard) -> None:
    """Tell what tasks that this one begins from now on raise and nobody takes, when they do."""
    asyncio.get_running_loop().set_task_factory(_task)
    _heard.set(of)


def _task(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    /,
    **options: Any,
) -> asyncio.Future[Any]:
    task = asyncio.Task(coro, loop=loop, **options)
    if heard := _heard.get():
        task.add_done_callback(lambda done: loop.call_soon(_tell_of, done, heard))
    return task


def _tell_of(task: asyncio.Task[Any], heard: Heard) -> None:
    """Tell of an exception that none of those who waited for the task took: they were woken before.

    Whether it was taken asyncio knows, and has no public word for.
    """
    if not task._log_traceback:  # noqa: SLF001
        return
    error = task.exception()
    if isinstance(error, Exception) and _package(error) not in _OTHERS:
        heard(error)


def _package(error: Exception) -> str:
    """Whose the coroutine is that raised."""
    begin = error.__traceback__
    return begin.tb_frame.f_globals["__name__"].partition(".")[0] if begin else ""
