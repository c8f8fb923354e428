"""Timers are on time, in order, and cancellable, with a timerfd and without."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from sim.clock import Clock
from sim.network.embedded.timers import Timers

Virtually = Callable[[Coroutine[Any, Any, list[str]]], list[str]]


async def calls() -> list[str]:
    """What is called back, in order: one is cancelled, one sets another, one is past."""
    loop = asyncio.get_running_loop()
    timers, done = Timers(), asyncio.Event()
    seen: list[str] = []
    now = loop.time()

    def again() -> None:
        seen.append("second")
        timers.at(loop.time() - 1, lambda: seen.append("past"))

    def last() -> None:
        seen.append("third")
        done.set()

    timers.at(now + 0.03, last)
    timers.at(now + 0.02, again)
    timers.at(now + 0.015, lambda: seen.append("cancelled")).cancel()
    timers.at(now + 0.01, lambda: seen.append("first"))
    await done.wait()
    timers.at(now, lambda: seen.append("closed"))
    timers.close()
    await asyncio.sleep(0)  # noqa: TID251 - a turn for what must not come
    return seen


@pytest.mark.realtime
async def test_timers_fire_in_order() -> None:
    assert await calls() == ["first", "second", "past", "third"]


def test_in_virtual_time_as_well(virtually: Virtually) -> None:
    assert virtually(calls()) == ["first", "second", "past", "third"]


@pytest.mark.realtime
async def test_without_a_timerfd_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise OSError("no timerfd on this system")

    monkeypatch.setattr("sim.network.embedded.timers._TimerDescriptor", lacking)
    assert await calls() == ["first", "second", "past", "third"]


@pytest.mark.realtime
async def test_timers_are_no_millisecond_late(clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    timers, late = Timers(), []
    for _ in range(40):
        fired = loop.create_future()
        when = loop.time() + 0.0053
        timers.at(when, lambda fired=fired: fired.set_result(loop.time()))  # type: ignore[misc]
        late.append(await fired - when)
    timers.close()
    assert min(late) >= 0
    assert statistics.median(late) < 0.0008
