"""Several runs: side by side, and one held against another."""

from __future__ import annotations

import copy

import pytest

from sim.report import series
from sim.report.compare import Change, changes, is_worse


@pytest.fixture
def report():
    return {
        "scenario": "s",
        "verdict": "held",
        "seed": 7,
        "speed": 10.0,
        "runtime": "process",
        "links": "embedded",
        "expectations": [
            {"check": "outage", "location": "london", "max_s": 70.0, "held": True,
             "observed": "33.2 s", "why": ""},
        ],
        "outages": [
            {"location": "london", "region": "fra", "clients": 20, "median_s": 31.0,
             "seconds": 33.0, "detection_s": 5.0, "dns_s": 27.0, "recovery_s": 0.0,
             "reconnect_s": 1.0},
            {"location": "london", "region": "fra", "clients": 1, "median_s": 2.0,
             "seconds": 2.0, "detection_s": 2.0, "dns_s": 0.0, "recovery_s": 0.0,
             "reconnect_s": 0.0},
        ],
        "messages": {"sent": 9, "acked": 9, "audited": True, "lost": 0, "duplicated": 0,
                     "reordered": 0},
        "sessions": {"opened": 2, "resumed": 1, "broken": 0},
        "traffic": {"london": {"fra": 9}, "new-york": {"fra": 0}},
        "latency_ms": {"london": {"fra": {"p50": 15.0}}},
    }  # fmt: skip


@pytest.fixture
def other(report):
    return copy.deepcopy(report)


def test_a_run_and_itself_differ_in_nothing(report, other):
    assert changes(report, other) == []
    assert not is_worse(report, other)


def test_what_differs_is_named_with_both_values(report, other):
    other["verdict"] = "failed"
    other["expectations"][0] |= {"held": False, "observed": "80.0 s"}
    other["outages"][0]["seconds"] = 80.0
    other["latency_ms"]["london"]["fra"]["p50"] = 16.5
    found = changes(report, other)
    assert found == [
        Change("verdict", "held", "failed"),
        Change("outage: london, at most 70 s", "held, 33.2 s", "FAILED, 80.0 s"),
        Change("outage of london on fra, seconds", 33.0, 80.0),
        Change("latency london to fra, p50, ms", 15.0, 16.5),
    ]
    assert [change.by for change in found] == [None, None, 47.0, 1.5]


def test_what_only_one_has_is_nothing_in_the_other(report, other):
    other["outages"], other["expectations"] = [], []
    found = {change.what: change for change in changes(report, other)}
    assert found["outage of london on fra, seconds"].second is None
    assert found["outage: london, at most 70 s"].second is None


@pytest.mark.parametrize(("held", "worse"), [(True, False), (False, True), (None, True)])
def test_a_run_is_worse_where_something_no_longer_holds(report, other, held, worse):
    other["expectations"][0]["held"] = held
    assert is_worse(report, other) is worse
    assert not is_worse(other, report)


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [("held", "unknown", True), ("unknown", "failed", True), ("failed", "unknown", False)],
)
def test_a_worse_verdict_is_worse(report, other, before, after, worse):
    report["verdict"], other["verdict"] = before, after
    assert is_worse(report, other) is worse


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [(["held"], "held"), (["held", "unknown"], "unknown"), (["unknown", "failed"], "failed")],
)
def test_the_worst_verdict_is_the_series(verdicts, worst):
    assert series.worst(verdicts) == worst


def test_a_series_has_a_row_for_each_run_and_the_spread_of_each_location(report, other):
    other["outages"][0]["seconds"] = 53.0
    third = {**copy.deepcopy(report), "outages": []}
    runs = [report, other, third]
    assert [series.row(run)["worst_outage_s"] for run in runs] == [33.0, 53.0, 0.0]
    assert series.row(report)["cut_off"] == 21
    assert series.spread(runs) == [
        {"location": "london", "least_s": 0.0, "median_s": 33.0, "greatest_s": 53.0},
        {"location": "new-york", "least_s": 0.0, "median_s": 0.0, "greatest_s": 0.0},
    ]


def test_what_was_not_audited_is_no_zero(report):
    report["messages"]["audited"] = False
    assert series.row(report)["lost"] is None
