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


async def calls(speed: float = 1.0) -> list[str]:
    """What is called back, in order: one is cancelled, one sets another, one is past."""
    clock = Clock(speed)
    timers, done = Timers(clock), asyncio.Event()
    seen: list[str] = []
    now = clock.now()

    def again() -> None:
        seen.append("second")
        timers.at(clock.now() - 1, lambda: seen.append("past"))

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
@pytest.mark.parametrize("speed", [1.0, 7.5])
async def test_timers_fire_in_order(speed: float) -> None:
    assert await calls(speed) == ["first", "second", "past", "third"]


def test_in_virtual_time_as_well(virtually: Virtually) -> None:
    assert virtually(calls()) == ["first", "second", "past", "third"]


@pytest.mark.realtime
async def test_without_a_timerfd_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise OSError("no timerfd on this system")

    monkeypatch.setattr("sim.network.embedded.timers._TimerDescriptor", lacking)
    assert await calls() == ["first", "second", "past", "third"]


@pytest.mark.realtime
@pytest.mark.parametrize("speed", [1.0, 10.0])
async def test_timers_are_no_millisecond_late(speed: float) -> None:
    clock = Clock(speed)
    timers, late = Timers(clock), []
    for _ in range(40):
        fired = asyncio.get_running_loop().create_future()
        when = clock.now() + 0.0053 * speed
        timers.at(when, lambda fired=fired: fired.set_result(clock.now()))  # type: ignore[misc]
        late.append((await fired - when) / speed)
    timers.close()
    assert min(late) >= 0
    assert statistics.median(late) < 0.0008
