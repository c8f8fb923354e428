"""What the report says of machines that were stopped, in each of its forms."""

from __future__ import annotations

import io

from rich.console import Console

from sim.observe.events import (
    Connected,
    Disconnected,
    LoadEnded,
    LoadStarted,
    MachineStopped,
    RunStarted,
)
from sim.observe.journal import Record
from sim.report import html, stops_in_words, summary, terminal
from sim.report.html.page_model import model, story
from sim.report.outcome import judge
from tests.scenario.conftest import TOPOLOGY

KILLED = MachineStopped(
    *("m1", "fra", "stopped", "SIGINT", 5.0, 5.0, True, "killed by SIGKILL"),
    end_signal="SIGKILL",
)
TOLD = "killed 5 s after SIGINT (0.5 s of real time at speed 10)"
SCENARIO = {
    "name": "by hand",
    "topology": "atlas.yaml",
    "load": {
        "driver": {"websocket": "/talk", "send": "{seq}", "ack": "^(?P<sequence>[0-9]+)"},
        "clients": 1,
        "every": "1s",
    },
    "duration": "50s",
}
RECORDS = [
    Record(0.0, RunStarted(7, 10.0, "process", "embedded", "0", TOPOLOGY, SCENARIO)),
    Record(0.0, LoadStarted(1, 1.0)),
    Record(1.0, Connected("london/0", "london", "fra", "m1")),
    Record(15.0, KILLED),
    Record(
        15.1,
        Disconnected(
            *("london/0", "london", "fra", "m1", "the connection ended without a close frame")
        ),
    ),
    Record(50.0, LoadEnded()),
]


def drained(machine, took_s, by="release 2"):
    told = {"story": f"ended {took_s:g} s after SIGINT", "region": "iad", "at_s": 20.0}
    return {"machine": machine, "outcome": "drained", "took_s": took_s, "by": by, **told}


def test_a_kill_is_told_with_simulated_and_real_seconds_in_every_form():
    judged = judge(RECORDS, "a journal")
    (row,) = judged.report["stops"]
    assert (row["at_s"], row["given_s"], row["given_real_s"]) == (10.0, 5.0, 0.5)
    assert (row["machine"], row["outcome"], row["open"]) == ("m1", "killed", 1)
    assert row["story"] == f"{TOLD} with 1 connection open"
    shown = io.StringIO()
    terminal.show(Console(file=shown, width=200), judged.report)
    assert f"10.0 s, stopped: m1 of fra: {row['story']}\n" in shown.getvalue()
    assert "killed 5 s after SIGINT" in summary.render(judged.report)
    assert html.render(judged.evidence, judged.verdict, judged.report)  # with a driver of YAML
    page = model(judged.evidence, judged.report)
    assert page["stops"] == [[10.0, "m1", "fra", "stopped", "killed", row["story"]]]
    assert [15.0, f"machine m1 of fra: {TOLD}"] in story(judged.evidence.history)["lines"]


def test_machines_that_drained_together_are_one_line():
    told = stops_in_words.lines(
        {"stops": [drained("a", 1.0), drained("b", 3.0), drained("c", 2.0, "stopped")]}
    )
    assert told == [
        "20.0 s, release 2: 2 machines drained, the slowest was b of iad: ended 3 s after SIGINT",
        "20.0 s, stopped: c of iad: ended 2 s after SIGINT",
    ]


def test_a_long_list_is_cut_and_says_so():
    killed = [{**drained(f"m{k}", 5.0), "outcome": "killed"} for k in range(13)]
    told = stops_in_words.lines({"stops": killed})
    assert len(told) == 11
    assert told[-1] == "… 3 more"


def test_a_long_reason_squeezes_no_column_of_the_console():
    report = judge(RECORDS, "a journal").report
    reason = "step 2 of `hello`: no `<success` within 5 s; the last that came is " + "x" * 150
    report["disconnects"] = [{**row, "reason": reason} for row in report["disconnects"]]
    assert report["disconnects"]
    out = io.StringIO()
    terminal.show(Console(file=out, width=80), report)
    (head,) = [line for line in out.getvalue().splitlines() if "left unanswered" in line]
    assert head.split() == [
        "location",
        "region",
        "by",
        "code",
        "reason",
        "ended",
        *head.split()[-2:],
    ]
    assert "london" in out.getvalue()
    assert "<success" in out.getvalue()
