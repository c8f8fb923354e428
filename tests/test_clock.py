import asyncio

import pytest

from sim.clock import Clock


def test_simulated_time_runs_at_the_speed(virtually):
    async def waits():
        clock = Clock(speed=10)
        loop = asyncio.get_running_loop()
        start = loop.time()
        await clock.sleep(30)
        return loop.time() - start, clock.now()

    real, simulated = virtually(waits())
    assert real == pytest.approx(3)
    assert simulated == pytest.approx(30)


def test_a_timeout_is_in_simulated_seconds(virtually):
    async def times_out():
        clock = Clock(speed=5)
        with pytest.raises(TimeoutError):
            async with clock.timeout(10):
                await asyncio.Event().wait()
        return clock.now()

    assert virtually(times_out()) == pytest.approx(10)


def test_sleep_until_the_past_returns_at_once(virtually):
    async def sleeps():
        clock = Clock()
        await clock.sleep(5)
        await clock.sleep_until(1)
        return clock.now()

    assert virtually(sleeps()) == pytest.approx(5)


def test_a_clock_does_not_stand_still():
    with pytest.raises(ValueError, match="positive"):
        asyncio.run(_stopped())


async def _stopped():
    Clock(speed=0)


def test_virtual_time_costs_no_real_time_and_keeps_order(virtually):
    async def race():
        clock = Clock()
        order = []

        async def runner(name, seconds):
            await clock.sleep(seconds)
            order.append((name, clock.now()))

        await asyncio.gather(runner("slow", 100_000), runner("fast", 10), runner("mid", 5_000))
        return order

    assert virtually(race()) == [("fast", 10), ("mid", 5_000), ("slow", 100_000)]


@pytest.mark.parametrize("calendar_speed", [1, 10])
def test_calendars_of_machines_may_run_at_the_speed_too(virtually, calendar_speed):
    async def waits():
        clock = Clock(10, calendar_speed)
        began = clock.calendar_s()
        await clock.sleep(30)
        return clock.calendar_s() - began

    assert virtually(waits()) == pytest.approx(3 * calendar_speed)
