"""The check `machines`, which stands in every scenario that does not say otherwise."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sim.errors import InputError
from sim.observe.events import Acked, Connected, ConnectFailed, DriverRaised, MachineDied
from sim.report import terminal
from sim.report.document import build
from sim.scenario.verdict import judge

CLIENT = "london/0"
UP = (0.1, Connected(CLIENT, "london", "fra", "m"))
ANSWER = (0.5, Acked(CLIENT, "s", 1, "fra", "m", 20.0))
FINE = {"check": "served_by", "location": "london", "region": "fra"}
LAST_LINES = ("late boom",)


def died(t=40.0, code=3, signal=None):
    return (t, MachineDied("m", "fra", "exited with code 3", code, signal, last_lines=LAST_LINES))


def test_a_death_that_nobody_caused_fails_a_scenario_that_says_nothing_of_it(evidence):
    verdict = judge(evidence(UP, ANSWER, died(), expect=[FINE]))
    assert verdict.outcome == "failed"
    expectation, found = verdict.findings[-1]
    assert (expectation.check, found.observed) == ("machines", "1 death")
    assert found.why == "machine m of fra exited with code 3 at 40.0 s: late boom"


def test_without_a_death_it_is_not_told_of(evidence):
    verdict = judge(evidence(UP, ANSWER, expect=[FINE]))
    assert verdict.outcome == "held"
    assert [expectation.check for expectation, _ in verdict.findings] == ["served_by"]


@pytest.mark.parametrize(("deaths", "outcome"), [(0, "failed"), (1, "held"), ("any", "held")])
def test_a_scenario_may_allow_for_some(evidence, deaths, outcome):
    asked = {"check": "machines", "deaths": deaths}
    verdict = judge(evidence(UP, ANSWER, died(), expect=[FINE, asked]))
    assert verdict.outcome == outcome
    assert len(verdict.findings) == 2


def test_only_deaths_of_its_window_count(evidence):
    asked = {"check": "machines", "deaths": 0, "until": "40s"}
    assert judge(evidence(UP, ANSWER, died(), expect=[FINE, asked])).outcome == "held"


def test_one_that_somebody_killed_is_not_held_against_the_gateway(evidence):
    verdict = judge(evidence(UP, ANSWER, died(code=None, signal=9), expect=[FINE]))
    assert verdict.outcome == "unknown"
    assert "out-of-memory killer" in verdict.findings[-1][1].why


def test_anything_but_a_number_or_any_is_refused(evidence):
    with pytest.raises(InputError, match="or `any`"):
        evidence(expect=[{"check": "machines", "deaths": "some"}])


def test_the_report_has_a_row_for_each_death(evidence):
    ran = evidence(UP, ANSWER, died(), expect=[FINE])
    (row,) = build(ran, judge(ran))["deaths"]
    assert row == {
        "machine": "m",
        "region": "fra",
        "at_s": 40.0,
        "exit": "exited with code 3",
        "last_lines": ["late boom"],
        "error_line": "late boom",
    }


def test_a_person_reads_of_deaths_and_errors_in_the_terminal(evidence):
    raised = (0.2, DriverRaised(CLIENT, "london", "rooms.py", 12, "KeyError: 'room'"))
    refused = [(50.0 + n, ConnectFailed(CLIENT, "london", "fra", "status 503")) for n in range(3)]
    ran = evidence(UP, ANSWER, raised, died(), *refused, expect=[FINE])
    out = io.StringIO()
    report = build(ran, judge(ran))
    terminal.show(Console(file=out, width=120), report)
    for line in (
        "40.0 s  m of fra exited with code 3",
        "        late boom",
        "rooms.py:12  1 \N{MULTIPLICATION SIGN} KeyError: 'room'",
        "london → fra: 3 \N{MULTIPLICATION SIGN} status 503",
    ):
        assert line in out.getvalue()
    (error,) = report["driver_errors"]
    assert error == {"file": "rooms.py", "line": 12, "error": "KeyError: 'room'", "count": 1}


def test_what_the_driver_raises_once_the_load_is_over_is_not_told(evidence):
    late = (150.05, DriverRaised(CLIENT, "london", "rooms.py", 12, "KeyError: 'room'"))
    verdict = judge(evidence(UP, ANSWER, late, expect=[FINE]))
    assert (verdict.outcome, verdict.doubts) == ("held", [])
