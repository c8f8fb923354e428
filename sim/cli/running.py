"""Running a world from a command, such that every ordinary end of the process cleans up."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import SimError, StartError
from sim.processes.descriptors import take_descriptors
from sim.processes.threads import Workers

T = TypeVar("T")

# Net allocations until the youngest are collected, and how often until the next older ones are.
# With a thousand sessions Python's own (700, 10, 10) stops everything for 0.2 s every few seconds:
# a full collection looks at half a million objects, nearly all of which are there to stay.
_COLLECT_AFTER = (2_000, 10, 40)


class Terminated(SimError):  # noqa: N818 - it is no error, as KeyboardInterrupt is none
    """The process was asked to end (SIGTERM, or its terminal is gone) and has cleaned up."""

    exit_code = 143


@contextmanager
def terminated_by_sigterm() -> Iterator[None]:
    """Raise Terminated in this block, which is not asyncio's, when SIGTERM or SIGHUP comes."""

    def terminate(number: int, _: object) -> None:
        raise Terminated(f"ended by {signal.Signals(number).name}")

    before = {number: signal.signal(number, terminate) for number in _ends()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def telling_of_logs(kept: Path | None) -> Iterator[None]:
    """Add to a StartError of this block where all is that was printed, or how to keep it."""
    try:
        yield
    except StartError as error:
        where = (
            f"all that was printed: {kept}" if kept else "`--logs DIR` keeps all that is printed"
        )
        raise StartError(f"{error}\n{where}") from error


def _ends() -> list[signal.Signals]:
    """The signals that ask for an end. Under `nohup` SIGHUP is ignored, and stays so."""
    heard = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGTERM, *([signal.SIGHUP] if heard else [])]


def prepare_process() -> None:
    """Have this process carry many sessions: the descriptors they need, and few long pauses."""
    take_descriptors()
    gc.set_threshold(*_COLLECT_AFTER)


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """The result of `main`; Ctrl-C, SIGTERM and SIGHUP cancel it, so that what it started is ended.

    Raises KeyboardInterrupt or Terminated then.
    """
    prepare_process()
    terminated: signal.Signals | None = None

    async def guarded() -> T:
        task = asyncio.current_task()

        def terminate(number: signal.Signals) -> None:
            nonlocal terminated
            terminated = number
            if task:
                task.cancel()

        loop = asyncio.get_running_loop()
        loop.set_default_executor(Workers())
        for number in _ends():
            loop.add_signal_handler(number, terminate, number)
        return await main

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if terminated:
            raise Terminated(f"ended by {terminated.name}") from None
        raise
