from __future__ import annotations

import asyncio
from itertools import count

from sim.clients.pace import Pace
from sim.clock import Clock


class Term:
    def __init__(self, ends_at):
        self.ends_at = ends_at
        self.over = asyncio.Event()

    async def closing(self):
        await self.over.wait()


def turns(virtually, every_s, ends_at, busy_s=0.0, speed=10.0):
    """The instants of a pace's turns, each followed by that much work."""

    async def scenario():
        clock = Clock(speed)
        term = Term(ends_at)
        term.over.set()
        instants: list[float] = []
        async for turn in Pace(every_s, term, clock, count(1)):
            instants.append(round(clock.now(), 6))
            assert turn == len(instants)
            await clock.sleep(busy_s)
        return instants

    return virtually(scenario())


def test_the_first_turn_is_at_once_and_the_rest_every_so_often(virtually):
    assert turns(virtually, 0.5, 2.0) == [0.0, 0.5, 1.0, 1.5]


def test_work_within_a_turn_does_not_shift_the_next(virtually):
    assert turns(virtually, 0.5, 2.0, busy_s=0.3) == [0.0, 0.5, 1.0, 1.5]


def test_missed_turns_are_left_out(virtually):
    assert turns(virtually, 0.5, 4.0, busy_s=1.2) == [0.0, 1.2, 2.4, 3.6]


def test_an_end_that_comes_nearer_while_it_waits_counts(virtually):
    async def scenario():
        clock = Clock()
        term = Term(100.0)
        pace = Pace(1.0, term, clock, count(1))
        await anext(pace)
        following = asyncio.ensure_future(anext(pace, "closed"))
        await clock.sleep(0.5)
        term.ends_at = clock.now()
        term.over.set()
        assert await following == "closed"

    virtually(scenario())


def test_after_the_end_it_waits_for_the_word_to_close(virtually):
    async def scenario():
        clock = Clock()
        term = Term(1.0)
        pace = Pace(0.8, term, clock, count(1))
        assert [await anext(pace), await anext(pace)] == [1, 2]
        last = asyncio.ensure_future(anext(pace, "closed"))
        await clock.sleep_until(5.0)
        assert not last.done()
        term.over.set()
        assert await last == "closed"

    virtually(scenario())
