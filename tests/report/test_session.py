"""The report of a world that was only brought up: what happened in it, and no verdict."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from sim.errors import InputError
from sim.observe.events import (
    Acked,
    Alert,
    AlertUndelivered,
    ClientMade,
    Connected,
    FaultBegan,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    Resolved,
    RunStarted,
)
from sim.observe.journal import Record
from sim.report import html, junit, summary, terminal
from sim.report.outcome import judge
from tests.scenario.conftest import TOPOLOGY


def started(scenario=None):
    return Record(0.0, RunStarted(7, 1.0, "process", "embedded", "0", TOPOLOGY, scenario))


def load(t, answers):
    """A load of one client from t on, answered at these times after that."""
    yield Record(t, LoadStarted(1, 1.0))
    yield Record(t, ClientMade("london/0", "london", "strict"))
    yield Record(t, Resolved("london/0", "london", "fra", "127.0.0.1", None))
    yield Record(t, Connected("london/0", "london", "fra", "m-fra"))
    for at in answers:
        yield Record(t + at, Acked("london/0", "s", 1, "fra", "m-fra", 20.0))
    yield Record(t + answers[-1] + 0.5, LoadEnded())


RECORDS = [
    started(),
    Record(1.0, MachineChanged("m-fra", "fra", "started")),
    Record(5.0, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"})),
    Record(5.1, MachineChanged("m-fra", "fra", "stopped", "killed")),
    Record(5.1, Alert("machine_down", "m-fra", "began", "m-fra is <b>stopped</b>", "fra", 5.1)),
    Record(5.2, AlertUndelivered("alerts[0] (webhook)", "it answered with status 500")),
    Record(9.0, Alert("machine_down", "m-fra", "ended", "m-fra runs", "fra", 5.1)),
    *load(20.0, [1.0, 2.0, 3.0]),
    *load(100.0, [1.0, 2.0, 22.0, 23.0]),
    Record(150.0, Alert("region_out", "fra", "began", "no machine of fra passes", "fra", 150.0)),
    Record(160.0, FaultBegan("heal", "everything", {"kind": "everything"})),
]


@pytest.fixture(scope="module")
def outcome():
    return judge(RECORDS, "live.jsonl")


def test_there_is_no_verdict_and_why(outcome):
    assert (outcome.verdict.outcome, outcome.verdict.exit_code) == ("unknown", 4)
    assert outcome.report["doubts"] == ["no scenario was run: there was nothing to judge"]
    assert (outcome.report["scenario"], outcome.report["duration_s"]) == ("atlas", 160.0)


def test_outages_are_those_of_each_load_in_the_sessions_time(outcome):
    """Between two loads nobody asked: that is none."""
    ((outage),) = outcome.report["outages"]
    assert (outage["location"], outage["from_s"], outage["to_s"]) == ("london", 102.0, 122.0)


def test_alerts_are_told_from_their_beginning_to_their_end(outcome):
    assert [(a["alert"], a["from_s"], a["to_s"]) for a in outcome.report["alerts"]] == [
        ("machine_down", 5.1, 9.0),
        ("region_out", 150.0, None),
    ]


def test_the_terminal_tells_faults_and_alerts(outcome):
    out = io.StringIO()
    terminal.show(Console(file=out, width=120, highlight=False), outcome.report)
    shown = out.getvalue()
    assert re.search(r"5\.0\s+crash\s+fra", shown)
    assert re.search(r"150\.0\s+-\s+region_out", shown)
    assert "m-fra is <b>stopped</b>" in shown
    assert shown.splitlines()[-1] == "verdict: unknown"


def test_the_page_tells_the_story_from_the_worlds_start(outcome):
    page = html.render(outcome.evidence, outcome.verdict, outcome.report)
    (embedded,) = re.findall(r'id="model"[^>]*>(.*?)</script>', page, re.DOTALL)
    model = json.loads(embedded)
    lines = [text for _, text in model["story"]["lines"]]
    assert "crash fra" in lines
    assert "alert: machine_down began: m-fra is <b>stopped</b>" in lines
    assert "alerts[0] (webhook) was not told of an alert: it answered with status 500" in lines
    assert lines.count("the load ends") == 2
    assert [t for t, _ in model["story"]["lines"]] == sorted(t for t, _ in model["story"]["lines"])
    assert "<b>stopped" not in page


def test_the_forms_for_machines_can_be_written(outcome):
    assert "no scenario was run" in summary.render(outcome.report)
    assert "<testsuite" in junit.render(outcome.report)


@pytest.mark.parametrize("records", [[], RECORDS[1:]])
def test_what_does_not_begin_as_journals_do_is_refused(records):
    with pytest.raises(InputError, match=r"x\.jsonl: does not begin with the start of a run"):
        judge(records, "x.jsonl")
