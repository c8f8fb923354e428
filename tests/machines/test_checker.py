from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from sim.clock import Clock
from sim.machines.checker import HealthChecker
from sim.machines.health import Result, Status
from sim.machines.lifecycle import Action
from sim.machines.machine import Machine
from sim.machines.runtime import MachineSpec
from sim.observe.events import HealthChanged
from sim.observe.journal import Journal, only
from sim.rng import Rng
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]

CHECK = Check(interval_s=30.0, timeout_s=5.0, grace_period_s=5.0)
OK = Result(passed=True, output="status 200")
REFUSED = Result(passed=False, output="refused")


def machine(machine_id: str = "3d8e2fa0c1b2a4") -> Machine:
    spec = MachineSpec(
        id=machine_id,
        region="fra",
        command=None,
        image=None,
        env={},
        endpoint=Endpoint("127.92.151.10", 1),
        folder=Path(),
        log_path=Path("log"),
    )
    started = Machine(spec, number=1)
    started.apply(Action.START)
    started.apply(Action.READY)
    return started


class Bench:
    """A checker with a probe whose answer the test decides; `asked` are the times of its runs."""

    def __init__(self, seed: int = 7) -> None:
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.asked: list[float] = []
        self.answer: Result | None = OK
        self.delay_s = 0.001
        self.checker = HealthChecker(self.clock, Rng(seed), self.journal, self._probe)

    async def _probe(self, check: Check, _: Endpoint, clock: Clock) -> Result:
        self.asked.append(clock.now())
        if self.answer is None:
            await clock.sleep(check.timeout_s)
            return Result(passed=False, output="no answer")
        answer = self.answer
        await clock.sleep(self.delay_s)
        return answer

    def beliefs(self) -> list[tuple[float, str]]:
        return [(t, event.status) for t, event in only(self.journal.records, HealthChanged)]

    async def bring_up(self, *machines: Machine, check: Check = CHECK) -> None:
        for each in machines:
            self.checker.watch(each, [check])
            self.checker.started(each.id)
        for each in machines:
            await self.checker.passed(each.id)
        self.checker.align(self.clock.now())


async def detection_s(seed: int, crash_after_s: float, *, silent: bool) -> float:
    """How long after a crash the checker believes it."""
    bench = Bench(seed)
    subject = machine()
    await bench.bring_up(subject)
    await bench.clock.sleep(crash_after_s)
    crashed = bench.clock.now()
    bench.answer = None if silent else REFUSED
    while bench.checker.status(subject.id) is Status.PASSING:
        await bench.clock.sleep(0.05)
    await bench.checker.stop()
    return bench.clock.now() - crashed


def test_a_start_is_believed_with_its_first_pass(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        bench.answer = REFUSED
        bench.checker.watch(subject, [CHECK])
        bench.checker.started(subject.id)
        await bench.clock.sleep(0.32)
        assert bench.checker.status(subject.id) is Status.WARNING
        bench.answer = OK
        async with bench.clock.timeout(0.06):
            await bench.checker.passed(subject.id)
        assert len(bench.asked) == 8  # at once, then every 50 ms
        await bench.checker.stop()

    virtually(scene())


def test_what_was_found_is_as_old_as_the_beginning_of_its_run(virtually: Virtually) -> None:
    """A run that was under way when something changed says nothing of the change."""

    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject)
        await bench.checker.news()
        before = bench.clock.now()
        bench.answer = None  # from now on a run takes its whole timeout
        await bench.checker.news()
        found = bench.checker.found_at(subject.id)
        assert found == bench.asked[-1]
        assert before < found == pytest.approx(bench.clock.now() - CHECK.timeout_s, abs=0.001)
        await bench.checker.stop()

    virtually(scene())


@pytest.mark.parametrize("silent", [False, True])
def test_a_crash_is_detected_within_interval_and_timeout(
    virtually: Virtually, silent: bool
) -> None:
    delays = [virtually(detection_s(seed, 100.0, silent=silent)) for seed in range(40)]
    low, high = (5.0, 35.0) if silent else (0.0, 30.0)
    assert all(low <= delay <= high + 0.06 for delay in delays)
    mean = sum(delays) / len(delays)
    assert mean == pytest.approx((low + high) / 2, abs=4.0)


def test_the_seed_decides_when_a_crash_is_detected(virtually: Virtually) -> None:
    """Also when the start took another time: the checks are aligned to the load's beginning."""
    first = virtually(detection_s(7, 100.0, silent=False))
    again = virtually(detection_s(7, 100.0, silent=False))
    other = virtually(detection_s(8, 100.0, silent=False))
    assert first == again != other


def test_after_aligning_checks_fall_at_the_instant_and_the_seeded_phase(
    virtually: Virtually,
) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject)
        bench.asked.clear()
        await bench.clock.sleep(3.3)
        origin = bench.clock.now()
        bench.checker.align(origin)
        await bench.clock.sleep(95.0)
        phase = Rng(7).fork(subject.id).uniform(0.0, 30.0)
        due = [origin + phase + k * 30.0 for k in range(4)]
        assert bench.asked[-3:] == pytest.approx(due[:3], abs=1e-5)
        await bench.checker.stop()

    virtually(scene())


def test_a_probe_under_way_delays_no_later_one(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        slow = Check(interval_s=2.0, timeout_s=5.0, grace_period_s=0.0)
        await bench.bring_up(subject, check=slow)
        bench.asked.clear()
        bench.answer = None
        await bench.clock.sleep(20.0)
        steps = [b - a for a, b in zip(bench.asked, bench.asked[1:], strict=False)]
        assert len(bench.asked) == 10
        assert steps == pytest.approx([2.0] * 9, abs=1e-5)
        await bench.checker.stop()

    virtually(scene())


def test_an_answer_that_comes_after_a_newer_one_does_not_count(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject, check=Check(interval_s=2.0, timeout_s=5.0))
        bench.answer = None
        await bench.clock.sleep(2.0)
        bench.answer = OK
        await bench.clock.sleep(20.0)
        assert [status for _, status in bench.beliefs()] == ["warning", "passing"]
        await bench.checker.stop()

    virtually(scene())


def test_only_changes_are_journaled_and_told(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        told: list[tuple[str, Status]] = []
        bench.checker.on_change(lambda who, status: told.append((who.name, status)))
        await bench.bring_up(subject)
        await bench.clock.sleep(300.0)
        bench.answer = REFUSED
        await bench.clock.sleep(300.0)
        bench.answer = OK
        await bench.clock.sleep(300.0)
        expected = ["warning", "passing", "critical", "passing"]
        assert [status for _, status in bench.beliefs()] == expected
        assert told == [("fra/1", Status(status)) for status in expected]
        await bench.checker.stop()

    virtually(scene())


def test_a_sickened_machine_fails_its_next_check_until_it_is_cured(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject)
        await bench.clock.sleep(40.0)
        asked = len(bench.asked)
        bench.checker.sicken(subject.id)
        assert bench.checker.status(subject.id) is Status.PASSING
        await bench.clock.sleep(30.1)
        assert bench.checker.status(subject.id) is Status.CRITICAL
        assert "sickened" in bench.checker.output(subject.id)
        assert len(bench.asked) == asked
        bench.checker.cure(subject.id)
        await bench.clock.sleep(30.1)
        assert bench.checker.status(subject.id) is Status.PASSING
        await bench.checker.stop()

    virtually(scene())


def test_a_machine_that_is_down_is_not_connected_to_and_fails_when_its_check_is_due(
    virtually: Virtually,
) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject)
        asked = len(bench.asked)
        subject.apply(Action.EXITED)
        assert bench.checker.status(subject.id) is Status.PASSING
        await bench.clock.sleep(30.1)
        assert bench.checker.status(subject.id) is Status.CRITICAL
        assert len(bench.asked) == asked
        await bench.checker.stop()

    virtually(scene())


@pytest.mark.parametrize("earlier", [OK, REFUSED])
def test_what_was_asked_before_a_restart_says_nothing_about_the_new_run(
    virtually: Virtually, earlier: Result
) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject, check=Check(interval_s=10.0, grace_period_s=0.0))
        bench.answer, bench.delay_s = earlier, 10.0
        await bench.clock.sleep(10.0)  # a run is under way, and its answer will come
        bench.answer, bench.delay_s = (REFUSED if earlier is OK else OK), 11.0
        bench.checker.started(subject.id)
        await bench.clock.sleep(10.5)
        assert bench.checker.status(subject.id) is Status.WARNING
        await bench.clock.sleep(1.0)
        last = Status.CRITICAL if earlier is OK else Status.PASSING
        assert bench.checker.status(subject.id) is last
        await bench.checker.stop()

    virtually(scene())


def test_a_forgotten_machine_is_not_asked_any_more(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject, other = Bench(), machine(), machine("ffffffffffffff")
        await bench.bring_up(subject, other)
        bench.checker.unwatch(subject.id)
        bench.answer = REFUSED
        await bench.clock.sleep(60.0)
        last = [event.machine for _, event in only(bench.journal.records, HealthChanged)][-1]
        assert last == other.id
        with pytest.raises(KeyError):
            bench.checker.status(subject.id)
        await bench.checker.stop()

    virtually(scene())


def test_stopping_leaves_no_task_behind(virtually: Virtually) -> None:
    async def scene() -> None:
        bench, subject = Bench(), machine()
        await bench.bring_up(subject)
        bench.answer = None
        while len(bench.asked) < 3:
            await bench.clock.sleep(0.1)
        began = bench.clock.now()
        await bench.checker.stop()
        await bench.checker.stop()
        assert bench.clock.now() == began  # the run that was under way was not waited for
        assert asyncio.all_tasks() == {asyncio.current_task()}
        asked = len(bench.asked)
        await bench.clock.sleep(100.0)
        assert len(bench.asked) == asked

    virtually(scene())
