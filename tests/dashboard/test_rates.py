"""Counting in bins: bounded, and percentiles within their classes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.dashboard.rates import BINS, Series, percentiles
from sim.observe.sample import Sample

latencies = st.lists(st.floats(0.05, 60_000), min_size=1, max_size=200)


@given(latencies, st.sampled_from([1, 50, 90, 99, 100]))
def test_a_percentile_is_right_to_within_its_class(values, percent):
    series = Series()
    for value in values:
        series.answer(7, value)
    (found,) = percentiles(series.since(0), percent)
    exact = Sample(values).percentile(percent)
    # Half a class of a twentieth of e, and then the rounding to a tenth of a millisecond.
    assert found is not None
    assert abs(found - exact) <= 0.0254 * exact + 0.0501


def test_percentiles_of_nothing_are_none_and_an_answer_at_once_counts():
    series = Series()
    assert percentiles(series.since(0), 50, 99) == [None, None]
    series.answer(1, 0.0)
    assert percentiles(series.since(0), 50) == [1.0]


def test_only_the_last_bins_are_kept_however_long_it_goes_on():
    series = Series()
    for index in range(3 * BINS):
        series.answer(index, 5.0)
        series.refuse(index)
    kept = series.since(0)
    assert [kept[0].index, kept[-1].index, len(kept)] == [2 * BINS, 3 * BINS - 1, BINS]
    assert [one.index for one in series.since(3 * BINS - 2)] == [3 * BINS - 2, 3 * BINS - 1]
    assert series.answers == series.refused == 3 * BINS
