from __future__ import annotations

import asyncio

from sim.clients.stall import StallWatch
from sim.clock import Clock
from sim.observe.events import HostStalled
from sim.observe.journal import Journal, only


class LateLoop:
    """Turns the loop's time on without letting it run, as a blocking call does."""

    def __init__(self, loop):
        self._selector = loop._jumping

    def block(self, seconds):
        self._selector.now += seconds


def watched(virtually, *blocks_s):
    async def scenario():
        clock = Clock(speed=10)
        journal = Journal(clock)
        watch = StallWatch(clock, journal)
        watch.start()
        for seconds in blocks_s:
            await clock.sleep_until(clock.now() + 9.999)  # just before it looks
            LateLoop(asyncio.get_running_loop()).block(seconds)
        await clock.sleep(10)
        watch.stop()
        watch.stop()
        await clock.sleep(10)
        return [stalled.real_ms for _, stalled in only(journal.records, HostStalled)]

    return virtually(scenario())


def test_a_loop_in_time_is_not_journaled(virtually):
    assert watched(virtually) == []


def test_a_loop_that_ran_late_by_more_than_50_ms_is(virtually):
    assert watched(virtually, 0.049) == []
    (late_ms,) = watched(virtually, 0.2)
    assert 199 <= late_ms <= 200
