"""The curve: its moments, its intervals, and its page, from results made by hand."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.sweep.curve import curve_moments, points_of, wilson
from sim.sweep.curve_page import Turn, render
from tests.sweep.test_boundary_result import result_at


@given(st.integers(2, 100))
def test_moments_are_as_many_as_asked_and_in_the_order_of_a_turn(points):
    moments = curve_moments(points)
    results = [result_at(boundary=moment) for moment in moments]
    found = points_of(results, 0.2, 0.8)
    assert [point.name for point in found] == [moment.name for moment in moments]
    assert len({point.at_s for point in found}) == points
    assert all(0 <= point.at_s < 1 for point in found)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share_and_narrows_with_more_runs(case):
    hits, of = case
    least, most = wilson(hits, of)
    assert 0 <= least <= hits / of <= most <= 1
    many = wilson(10 * hits, 10 * of)
    assert many[1] - many[0] < most - least


@pytest.mark.parametrize(
    ("hits", "of", "interval"),  # Newcombe 1998, table I, method 3
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611))],
)
def test_intervals_are_those_of_the_literature(hits, of, interval):
    assert wilson(hits, of) == pytest.approx(interval, abs=5e-5)


def test_unknown_runs_are_counted_and_decide_nothing():
    moment = curve_moments(2)[0]
    of = [
        result_at(boundary=moment, lost=1, outage_s=9.0),
        result_at(boundary=moment, outage_s=5.0),
        result_at(boundary=moment, why_unknown="never reached", machines=()),
    ]
    (point,) = points_of(of, 0.2, 0.8)
    assert (point.runs, point.broken, point.unknown, point.share) == (3, 1, 1, 0.5)
    assert point.outage_s == (5.0, 7.0, 9.0)
    (nothing,) = points_of(of[2:], 0.2, 0.8)
    assert (nothing.share, nothing.outage_s) == (None, None)


def test_the_page_has_a_mark_for_each_point_beside_the_turn():
    moments = curve_moments(6)
    points = points_of([result_at(boundary=moment) for moment in moments], 0.2, 0.8)
    page = render(Turn("<crash>", "london", 0.2, 0.8, [7, 8]), points)
    assert "<crash>" not in page
    charts = page.split("<svg")[1:]
    assert [chart.count('class="mark"') for chart in charts] == [6, 6]
    for chart in charts:
        svg = ET.fromstring("<svg" + chart.partition("</svg>")[0] + "</svg>")  # noqa: S314 - ours
        assert [rect.get("class") for rect in svg.iter("rect")] == ["way", "pause"]
