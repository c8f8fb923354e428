"""Timers that a driver begins by itself count simulated seconds; the simulator's are its own."""

# ruff: noqa: TID251 - drivers take them from asyncio

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import aiohttp
import pytest

from sim.clients.driver_run import DriverRun
from sim.clients.own_timers import count_simulated
from sim.clock import Clock

SPEED = 20.0
WAITS_S = 4.0  # 0.2 real seconds


async def sleeps():
    await asyncio.sleep(WAITS_S)


async def gives_up():
    async with asyncio.timeout(WAITS_S):
        await asyncio.Event().wait()


async def gives_up_at():
    async with asyncio.timeout_at(asyncio.get_running_loop().time() + WAITS_S):
        await asyncio.Event().wait()


async def waits_for():
    await asyncio.wait_for(asyncio.Event().wait(), WAITS_S)


async def waits_for_some():
    await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=WAITS_S)


async def calls_later():
    called = asyncio.Event()
    asyncio.get_running_loop().call_later(WAITS_S / 2, lambda: again(called))
    await called.wait()


def again(called):
    asyncio.get_running_loop().call_later(WAITS_S / 2, called.set)


async def gathers():
    await asyncio.gather(DriverRun(asyncio.sleep(WAITS_S)))


async def asks():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAITS_S)) as http:
            await http.get(url)


async def sleeps_by_the_clock():
    await Clock(SPEED).sleep(WAITS_S)


async def gives_up_by_the_clock():
    async with Clock(SPEED).timeout(WAITS_S):
        await asyncio.Event().wait()


async def calls_later_by_the_clock():
    called = asyncio.Event()
    Clock(SPEED).call_later(WAITS_S, called.set)
    await called.wait()


@pytest.mark.parametrize(
    "waits",
    [
        *(sleeps, gives_up, gives_up_at, waits_for, waits_for_some, calls_later, gathers, asks),
        *(sleeps_by_the_clock, gives_up_by_the_clock, calls_later_by_the_clock),
    ],
)
async def test_a_timer_of_a_driver_counts_simulated_seconds(waits):
    async def driver():
        count_simulated(SPEED)
        with suppress(TimeoutError):
            await waits()

    clock = Clock()
    await asyncio.create_task(driver())
    assert WAITS_S / SPEED * 0.99 <= clock.now() < WAITS_S / 2


async def test_timers_of_others_stay_real():
    async def driver():
        count_simulated(SPEED)

    await asyncio.create_task(driver())
    clock = Clock()
    await asyncio.sleep(0.1)
    assert clock.now() >= 0.099
