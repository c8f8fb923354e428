"""When a part of ours counts as failed, and what is done then. In virtual time."""

from __future__ import annotations

import errno

import pytest

from sim.clock import Clock
from sim.errors import StartError
from sim.network.toxiproxy_api import LinkServerError
from sim.observe.events import PartFailed, PartRestarted
from sim.observe.journal import Journal
from sim.upkeep import Part, Upkeep

GONE = StartError("gone")
FULL = OSError(errno.EMFILE, "Too many open files")


@pytest.fixture
def watched(virtually):
    """Watch a part whose pings, then revivals, end like this; what is journaled in a minute."""

    def watched(pings, revivals=()):
        pings, revivals = list(pings), list(revivals)

        async def turn(outcomes):
            outcome = outcomes.pop(0) if outcomes else None
            if outcome:
                raise outcome

        async def watch():
            clock = Clock()
            journal = Journal(clock)
            upkeep = Upkeep(clock, journal)
            upkeep.watch(Part("part", lambda: turn(pings), lambda: turn(revivals)))
            await clock.sleep(60)
            await upkeep.stop()
            return [record.event for record in journal.records]

        return virtually(watch())

    return watched


def test_a_part_that_works_is_not_mentioned(watched):
    assert watched([]) == []


def test_one_late_answer_is_no_failure(watched):
    assert watched([TimeoutError()]) == []


def test_a_part_that_fails_twice_in_a_row_is_restarted(watched):
    assert watched([GONE, GONE]) == [PartFailed("part", "gone"), PartRestarted("part")]


def test_a_restart_that_fails_is_tried_again(watched):
    assert watched([GONE, GONE], [GONE, GONE]) == [
        PartFailed("part", "gone"),
        PartRestarted("part"),
    ]


def test_a_part_that_cannot_be_restarted_is_told_and_left(watched):
    events = watched([GONE] * 100, [OSError("no room")] * 100)
    assert events == [
        PartFailed("part", "gone"),
        PartFailed("part", "it could not be restarted: no room"),
    ]


def test_a_defect_in_a_ping_is_a_failure_too(watched):
    events = watched([ZeroDivisionError("by zero")] * 2)
    assert events[0] == PartFailed("part", "ZeroDivisionError: by zero")


def test_that_nobody_can_ask_is_no_reason_to_restart(watched):
    """Without a descriptor no ping can be sent; a restart would break what the part carries."""
    error = LinkServerError(0, "no answer")
    error.__cause__ = FULL
    events = watched([FULL, error, FULL, error], [AssertionError("revived")])
    assert [event.part for event in events] == ["simulator"]
    assert "ulimit -n" in events[0].reason


def test_a_loop_that_stood_still_takes_no_part_for_dead(virtually):
    """The first questions get no answer in time, because the host kept us from reading it."""

    async def watch():
        clock = Clock()
        journal = Journal(clock)
        kept = [0.0]
        asked = []

        async def ping():
            asked.append(clock.now())
            if len(asked) <= 4:
                kept[0] += 4000.0
                await clock.sleep(60)

        async def revive():
            raise AssertionError("it was well")

        upkeep = Upkeep(clock, journal, lambda: kept[0])
        upkeep.watch(Part("part", ping, revive))
        await clock.sleep(60)
        await upkeep.stop()
        return [record.event for record in journal.records], len(asked)

    events, asked = virtually(watch())
    assert events == []
    assert asked > 4


def test_a_part_that_is_dead_is_found_on_a_host_that_keeps_waiting(virtually):
    async def watch():
        clock = Clock()
        journal = Journal(clock)
        dead = [True]

        async def ping():
            if dead[0]:
                await clock.sleep(60)

        async def revive():
            dead[0] = False

        upkeep = Upkeep(clock, journal, lambda: clock.real_ms() * 0.9)
        upkeep.watch(Part("part", ping, revive))
        await clock.sleep(300)
        await upkeep.stop()
        return [record.event for record in journal.records]

    assert virtually(watch()) == [
        PartFailed("part", "no answer within 5 s"),
        PartRestarted("part"),
    ]
