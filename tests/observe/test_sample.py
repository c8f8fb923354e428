"""Percentiles of a sample are those of its sorted values, to the last bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.observe.sample import Sample, rank

VALUES = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1)


@given(VALUES, st.floats(0.1, 100))
def test_of_any_values(values, percent):
    assert Sample(values).percentile(percent) == sorted(values)[rank(len(values), percent)]


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.99, 100])
def test_of_many_values(percent):
    values = [k * 7919 % 20_011 / 7 for k in range(20_011)]
    sample = Sample(values)
    assert len(sample) == len(values)
    assert sample.percentile(percent) == sorted(values)[rank(len(values), percent)]


def test_of_values_that_are_alike():
    assert Sample([3.25] * 10_000 + [0.0] * 10_000).percentile(50) == 0.0
    assert Sample([3.25] * 10_001 + [0.0] * 10_000).percentile(50) == 3.25
