"""Sets of numbers as ranges, held against sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.observe.numbers import Numbers

SMALL = st.lists(st.integers(-20, 20))


def numbers(some):
    found = Numbers()
    for number in some:
        found.add(number)
    return found


@given(SMALL)
def test_it_has_what_was_added_and_nothing_else(some):
    found = numbers(some)
    assert [*found] == sorted(set(some))
    assert len(found) == len(set(some))
    assert [n for n in range(-22, 23) if n in found] == sorted(set(some))
    assert found.highest == max(some, default=None)


@given(SMALL, SMALL)
def test_whether_another_has_them_all(some, others):
    assert numbers(some).within(numbers(others)) == (set(some) <= set(others))


@given(SMALL, SMALL)
def test_the_ranges_say_all(some, others):
    same = numbers(some).ranges == numbers(others).ranges
    assert same == (set(some) == set(others))


@given(SMALL, st.integers(-22, 22))
def test_the_last_before_a_number(some, number):
    assert numbers(some).last_before(number) == max((n for n in some if n < number), default=None)


def test_numbers_that_follow_one_another_are_one_range():
    assert numbers(range(5, 10_005)).ranges == ((5, 10_005),)
