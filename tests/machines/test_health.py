from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.machines.health import CheckState, Result, Status, worst
from sim.topology.model import Check

CHECK = Check(interval_s=30.0, timeout_s=5.0, grace_period_s=4.0)
OK = Result(passed=True, output="status 200")
BAD = Result(passed=False, output="refused")


def state(phase_s: float = 12.0, check: Check = CHECK) -> CheckState:
    return CheckState(check, phase_s, quick_s=0.5)


STEADY = Check(interval_s=30.0, grace_period_s=4.0, unhealthy_after=3, healthy_after=2)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([OK], Status.WARNING),
        ([OK, OK], Status.PASSING),
        ([OK, BAD, OK], Status.CRITICAL),
        ([OK, BAD, OK, OK], Status.PASSING),
        ([OK, OK, BAD, BAD], Status.PASSING),
        ([OK, OK, BAD, BAD, OK, BAD, BAD], Status.PASSING),
        ([OK, OK, BAD, BAD, BAD], Status.CRITICAL),
        ([OK, OK, BAD, BAD, BAD, OK], Status.CRITICAL),
        ([OK, OK, BAD, BAD, BAD, OK, OK], Status.PASSING),
    ],
)
def test_as_many_results_in_a_row_decide_as_the_check_says(
    results: list[Result], expected: Status
) -> None:
    check = state(check=STEADY)
    check.started(100.0)
    for number, result in enumerate(results):
        check.observe(110.0 + 30.0 * number, result)
    assert check.status is expected


def test_the_earliest_change_is_as_many_runs_away_as_are_wanting() -> None:
    check = state(check=STEADY)
    check.started(100.0)
    for instant in (110.0, 140.0):
        check.observe(instant, OK)
    assert (check.may_change_at(150.0), check.decides) == (162.0 + 60.0, False)
    check.observe(162.0, BAD)
    assert (check.may_change_at(162.0), check.decides) == (192.0 + 30.0, False)
    check.observe(192.0, BAD)
    assert (check.may_change_at(192.0), check.decides) == (222.0, True)


def test_a_machine_that_was_never_started_is_critical() -> None:
    assert state().status is Status.CRITICAL


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], Status.WARNING),
        ([(101.0, BAD)], Status.WARNING),
        ([(103.9, BAD)], Status.WARNING),
        ([(104.0, BAD)], Status.CRITICAL),
        ([(101.0, OK)], Status.PASSING),
        ([(101.0, BAD), (102.0, OK)], Status.PASSING),
        ([(101.0, OK), (102.0, BAD)], Status.CRITICAL),
        ([(110.0, BAD), (120.0, OK)], Status.PASSING),
        ([(110.0, OK), (140.0, BAD), (170.0, OK)], Status.PASSING),
    ],
)
def test_one_result_decides_except_failures_within_the_grace_period(
    results: list[tuple[float, Result]], expected: Status
) -> None:
    check = state()
    check.started(100.0)
    for now, result in results:
        check.observe(now, result)
    assert check.status is expected


def test_quick_checks_last_until_the_first_pass() -> None:
    check = state()
    check.started(100.0)
    assert check.next_due(100.0) == 100.5
    check.observe(100.5, BAD)
    assert check.next_due(100.5) == 101.0
    check.observe(101.0, OK)
    assert check.next_due(101.0) == 102.0  # 12 + 3 * 30
    check.observe(102.0, BAD)
    assert check.next_due(102.0) == 132.0


def test_quick_checks_end_after_two_intervals_without_a_pass() -> None:
    check = state()
    check.started(100.0)
    check.observe(159.9, BAD)
    assert check.next_due(159.9) == pytest.approx(160.4)
    assert check.next_due(160.0) == 162.0


def test_an_interval_shorter_than_the_quick_one_is_kept() -> None:
    check = state(phase_s=0.05, check=Check(interval_s=0.1, grace_period_s=0.0))
    check.started(10.0)
    assert check.next_due(10.0) <= 10.1


@given(
    phase=st.floats(0, 29.999),
    origin=st.floats(0, 10_000),
    start=st.floats(0, 10_000),
    interval=st.sampled_from([0.25, 1.0, 7.3, 30.0]),
)
def test_due_times_are_one_interval_apart_from_the_origin_on(
    phase: float, origin: float, start: float, interval: float
) -> None:
    """Whenever it is asked, the next time is ahead, and no further than it must be."""
    check = CheckState(Check(interval_s=interval), phase % interval, quick_s=0.05)
    check.align(origin)
    now = origin + start
    first = check.next_due(now)
    assert now < first <= max(now, origin + phase % interval) + interval + 1e-5
    assert check.next_due(first) - first == pytest.approx(interval, abs=1e-4)
    offset = (first - origin - phase % interval) / interval
    assert offset == pytest.approx(round(offset), abs=1e-4)


def test_the_worst_check_decides() -> None:
    good, starting, bad = state(), state(), state()
    good.started(0.0)
    good.observe(1.0, OK)
    starting.started(0.0)
    assert worst([good, starting]) is starting
    assert worst([good, bad, starting]) is bad
    assert worst([good]) is good
