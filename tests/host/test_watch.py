from __future__ import annotations

import asyncio

import pytest

from sim.clock import Clock
from sim.host import schedstat
from sim.host.watch import HostWatch
from sim.observe.events import HostStalled, ProcessorWaits
from sim.observe.journal import Journal, only


class Proc:
    """A host whose tasks wait as a test says, in real milliseconds since they began."""

    def __init__(self, *, tells: bool = True) -> None:
        self.tells = tells
        self.own = 0.0
        self.disk = 0.0
        self.tasks: dict[int, dict[int, float]] = {}

    def put_in_place_of(self, monkeypatch: pytest.MonkeyPatch) -> Proc:
        for name, function in {
            "supported": lambda: self.tells,
            "own_thread_ms": lambda: self.own,
            "family": set,
            "tasks_of": lambda pid: list(self.tasks.get(pid, ())),
            "task_ms": lambda pid, tid: self.tasks[pid].get(tid),
            "stolen_ms": lambda: 0.0,
            "short_of_memory_ms": lambda: 0.0,
            "at_the_disk_ms": lambda: self.disk,
        }.items():
            monkeypatch.setattr(schedstat, name, function)
        return self


@pytest.fixture
def proc(monkeypatch):
    return Proc().put_in_place_of(monkeypatch)


def block(seconds):
    """Turn the loop's time on without letting it run, as a blocking call does."""
    asyncio.get_running_loop()._jumping.now += seconds  # type: ignore[attr-defined]


def watched(virtually, *blocks_s, parts=dict, before_last=lambda: None):
    async def scenario():
        clock = Clock(speed=10)
        journal = Journal(clock)
        watch = HostWatch(clock, journal, parts)
        watch.start()
        for seconds in blocks_s:
            await clock.sleep_until(clock.now() + 9.999)  # just before it looks
            block(seconds)
        await clock.sleep(10)
        before_last()
        await clock.sleep(10)
        watch.stop()
        watch.stop()
        await clock.sleep(10)
        return journal.records

    return virtually(scenario())


def stalls(records):
    return [stalled.real_ms for _, stalled in only(records, HostStalled)]


def waits(records):
    return [dict(event.waited_ms) for _, event in only(records, ProcessorWaits)]


def test_a_loop_in_time_is_not_journaled(virtually, proc):
    assert watched(virtually) == []


def test_a_loop_that_ran_late_by_more_than_50_ms_stood_still(virtually, proc):
    assert stalls(watched(virtually, 0.049)) == []
    (late_ms,) = stalls(watched(virtually, 0.2))
    assert 199 <= late_ms <= 200


def test_small_lags_are_told_together(virtually, proc):
    """Ten times 40 ms at speed 10: four simulated seconds that nobody stood still for."""
    records = watched(virtually, *[0.04] * 10)
    assert stalls(records) == []
    assert sum(told["sim"] for told in waits(records)) == pytest.approx(400, abs=2)


def test_what_its_own_thread_waited_is_told_once(virtually, proc):
    """A stall is told as one, and only what was waited beyond it as well."""
    proc.own = 0.0

    def waited():
        proc.own = 30.0

    assert waits(watched(virtually, before_last=waited)) == [{"sim": 30.0}]


def test_of_a_part_the_thread_counts_that_waited_most(virtually, proc):
    proc.tasks = {7: {7: 100.0, 8: 100.0}}

    def waited():
        proc.tasks = {7: {7: 140.0, 8: 125.0, 9: 1.0}}

    records = watched(virtually, parts=lambda: {"fra/1": 7}, before_last=waited)
    assert waits(records) == [{"fra/1": 100.0}, {"fra/1": 40.0}]  # since it began, and then


@pytest.mark.parametrize(("share", "told"), [(0.4, False), (0.6, True)])
def test_a_disk_is_told_of_where_it_was_waited_for_most_of_the_time(virtually, proc, share, told):
    def waited():
        proc.disk += 100.0 * share

    records = watched(virtually, parts=lambda: waited() or {})
    assert ["disk" in found for found in waits(records)] == [True] * len(waits(records))
    assert bool(waits(records)) is told


def test_where_the_kernel_does_not_tell_the_loops_lateness_counts(virtually, monkeypatch):
    Proc(tells=False).put_in_place_of(monkeypatch)
    records = watched(virtually, 0.04, parts=lambda: {"fra/1": 7})
    assert waits(records) == [{"sim": pytest.approx(40, abs=1)}]
