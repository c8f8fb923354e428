"""What a test awaits runs on the world's own loop, whatever loop the test is on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest
import trio

from sim.testing.portal import Portal


@pytest.fixture
def portal():
    portal = Portal()
    yield portal
    portal.close()


async def whereabouts():
    return threading.current_thread().name, asyncio.get_running_loop()


async def failing():
    raise LookupError("from inside")


async def forever(started, ended):
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


async def test_awaited_on_asyncio(portal):
    name, loop = await portal.run(whereabouts())
    assert name == "sim-world"
    assert loop is not asyncio.get_running_loop()


def test_awaited_on_loops_that_come_and_go(portal):
    _, first = asyncio.run(portal.run(whereabouts()))
    _, second = asyncio.run(portal.run(whereabouts()))
    assert first is second


def test_awaited_on_trio(portal):
    assert trio.run(portal.run, whereabouts())[0] == "sim-world"
    with pytest.raises(LookupError, match="from inside"):
        trio.run(portal.run, failing())


def test_awaited_on_no_loop(portal):
    assert portal.wait(whereabouts())[0] == "sim-world"
    with pytest.raises(LookupError, match="from inside"):
        portal.wait(failing())


async def test_cancelled_on_asyncio_it_cancels_the_work(portal):
    started, ended = threading.Event(), threading.Event()
    task = asyncio.create_task(portal.run(forever(started, ended)))
    await asyncio.to_thread(started.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)


def test_cancelled_on_trio_it_cancels_the_work(portal):
    started, ended = threading.Event(), threading.Event()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(portal.run, forever(started, ended))
            await trio.to_thread.run_sync(started.wait)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert ended.wait(5)


def test_closing_ends_what_runs_and_the_thread():
    portal = Portal()
    started, ended = threading.Event(), threading.Event()

    def work():
        with pytest.raises(CancelledError):
            portal.wait(forever(started, ended))

    waiting = threading.Thread(target=work)
    waiting.start()
    started.wait()
    portal.close()
    waiting.join()
    assert ended.is_set()
    assert repr(portal) == "<Portal closed>"
    with pytest.raises(RuntimeError, match="the world has ended"):
        portal.wait(whereabouts())
