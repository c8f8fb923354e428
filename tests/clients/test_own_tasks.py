"""Whose an exception is that reaches the event loop: a driver's callback's, or ours."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.clients.blame import mistake_in_callback
from sim.clients.own_tasks import hear_own_tasks, hearing_callbacks
from sim.clients.urls import checked_path
from sim.clock import Clock


@pytest.fixture
async def raised():
    """What drivers raise, and what others do, in the loop of a test, as it comes."""
    drivers: asyncio.Queue[Exception] = asyncio.Queue()
    others: asyncio.Queue[Exception] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(
        hearing_callbacks(drivers.put_nowait, lambda _, told: others.put_nowait(told["exception"]))
    )
    return drivers, others


def _looks_up() -> None:
    raise KeyError("room")


async def _looks_up_later() -> None:
    _looks_up()


def _begin_task() -> None:
    asyncio.ensure_future(_looks_up_later())  # noqa: RUF006


def _gather() -> None:
    asyncio.gather(_looks_up_later())


@pytest.mark.parametrize("begun", [_looks_up, _begin_task, _gather])
async def test_what_a_callback_of_a_driver_raises_is_the_drivers(raised, begun):
    drivers, others = raised
    asyncio.get_running_loop().call_soon(begun)
    clock = Clock()
    clock.call_later(0.0, begun)
    async with clock.timeout(5.0):
        found = [await drivers.get(), await drivers.get()]
    assert others.empty()
    mistake = mistake_in_callback(found[0])
    assert mistake == mistake_in_callback(found[1])
    assert mistake.file == str(Path(__file__).relative_to(Path.cwd()))
    assert mistake.line == inspect.getsourcelines(_looks_up)[1] + 1
    assert mistake.error == "KeyError: 'room'"


async def test_what_a_callback_of_ours_raises_is_not(raised):
    drivers, others = raised
    asyncio.get_running_loop().call_soon(checked_path, "live")
    async with Clock().timeout(5.0):
        await others.get()
    assert drivers.empty()


def _begun_by_ours():
    """A task as something of the simulator's begins it that follows the journal."""
    ours: dict[str, Any] = {"__name__": "sim.sweep.sweep", "asyncio": asyncio}
    exec("def begin(coro): return asyncio.create_task(coro)", ours)  # noqa: S102
    return ours["begin"](_looks_up_later())


async def _gathers():
    await asyncio.gather(asyncio.sleep(0.0))  # noqa: TID251 - a coroutine of asyncio's own


async def test_only_tasks_of_a_driver_are_ended_with_it_and_none_of_ours_that_it_sets_off():
    own = hear_own_tasks(lambda _error: None)
    begun = [_looks_up_later(), asyncio.Queue().get(), _gathers()]
    drivers = [asyncio.create_task(coro) for coro in begun]
    ours = _begun_by_ours()
    assert set(own) == {*drivers}
    await asyncio.wait([drivers[2], ours])
    assert len(own) == 1  # the queue's
    assert isinstance(drivers[0].exception(), KeyError)
    drivers[1].cancel()


LEFT = """
import asyncio
from sim.clients.driver_run import DriverRun, end_all

async def goes_on():
    while True:
        try:
            await asyncio.Event().wait()
        except BaseException:
            pass

async def main():
    run = DriverRun(goes_on())
    task = asyncio.create_task(run)
    await asyncio.wait([task], timeout=0.01)
    await end_all({task: run.leave}, 0.01)

asyncio.run(main())
"""


def test_a_coroutine_that_takes_every_end_for_an_error_keeps_no_process_from_its_end():
    done = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
