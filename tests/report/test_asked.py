"""What was expected, in words, as reports, pages and messages of failures say it."""

from __future__ import annotations

import pytest

from sim.report.asked import asked
from sim.scenario.checks import CHECKS
from sim.scenario.checks.check_spec import WINDOW


@pytest.mark.parametrize("name", CHECKS)
def test_everything_that_an_expectation_asks_for_is_said(name):
    given = {param.name: f"<{param.name}>" for param in (*CHECKS[name].params, *WINDOW)}
    said = asked({"check": name, **given})
    assert [value for value in given.values() if value not in said] == []


def test_what_it_is_about_comes_first():
    row = {"check": "latency", "percentile": 99.0, "max_ms": 200.0, "from_s": 3.0}
    row |= {"location": "london", "region": "fra"}
    assert asked(row) == "latency: london, fra, p99, at most 200 ms, from 3 s"


def test_money_has_two_digits():
    assert asked({"check": "cost", "max_usd": 10.4}) == "cost: at most $10.40 a month"
    assert asked({"check": "cost", "max_usd": 1234567.0}) == "cost: at most $1234567.00 a month"


def test_a_check_of_another_version_is_named():
    assert asked({"check": "speed", "max_s": 5}) == "speed"
