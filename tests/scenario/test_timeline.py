"""A timeline that is held, on a clock of its own."""

from __future__ import annotations

import asyncio

from sim.clock import Clock, VirtualTimeLoop
from sim.scenario.timeline import Timeline


def played(story):
    """What `story(clock, timeline, note)` noted, in virtual time: (seconds of the clock, word)."""
    noted = []

    async def main():
        clock = Clock(10.0)
        timeline = Timeline(clock)
        timeline.begin()
        await story(clock, timeline, lambda word: noted.append((round(clock.now(), 3), word)))

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    return noted


async def waiting(timeline, note, *instants):
    for at_s in instants:
        note((at_s, await timeline.until(at_s)))


def test_instants_come_when_they_are_due():
    async def story(clock, timeline, note):
        await waiting(timeline, note, 5.0, 5.0, 20.0)

    assert played(story) == [(5.0, (5.0, True)), (5.0, (5.0, True)), (20.0, (20.0, True))]


def test_what_is_held_comes_later_by_as_much():
    async def story(clock, timeline, note):
        async with asyncio.TaskGroup() as both:
            both.create_task(waiting(timeline, note, 5.0, 20.0))
            await clock.sleep(8)
            timeline.hold()
            timeline.hold()
            assert timeline.held
            await clock.sleep(100)
            assert timeline.now() == 8.0
            timeline.release()
        assert timeline.was_held
        assert not timeline.held

    assert played(story) == [(5.0, (5.0, True)), (120.0, (20.0, True))]


def test_the_end_ends_every_wait_also_a_held_one():
    async def story(clock, timeline, note):
        async with asyncio.TaskGroup() as both:
            both.create_task(waiting(timeline, note, 50.0, 60.0))
            await clock.sleep(8)
            timeline.hold()
            await clock.sleep(1)
            timeline.end()

    assert played(story) == [(9.0, (50.0, False)), (9.0, (60.0, False))]


def test_an_instant_that_never_comes_is_waited_for():
    async def story(clock, timeline, note):
        async with asyncio.TaskGroup() as both:
            both.create_task(waiting(timeline, note, float("inf")))
            await clock.sleep(1_000_000)
            timeline.end()

    assert played(story) == [(1_000_000.0, (float("inf"), False))]
