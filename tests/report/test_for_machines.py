"""The forms of the report that other programs read: JUnit XML and Markdown."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from sim.report import junit, summary

HOSTILE = 'a|b <script> & "q" \x00\x1b]0;x\x07 *bold* \ud800 @team'


@pytest.fixture
def report():
    """A run with one of each: held, broken, not known."""
    return {
        "scenario": "frankfurt crashes",
        "verdict": "failed",
        "runtime": "process",
        "links": "embedded",
        "speed": 10.0,
        "seed": 7,
        "duration_s": 150.25,
        "every_s": 1.0,
        "doubts": [],
        "expectations": [
            _row("outage", "33.2 s", held=True, location="london", max_s=70.0),
            _row("messages", "1 lost of 9", "message 3 of s1 is not stored", held=False, lost=0),
            _row("sessions", "nothing", "no session was opened", held=None, resumed="all"),
        ],
        "deploys": [
            {
                "release": 2,
                "strategy": "rolling",
                "outcome": "failed",
                "error": "machine iad/1 ended\nits last words",
                "machines": 2,
                "replaced": 1,
                "dropped": 12,
                "goodbyes": {"1012": 7, "message": 3, "none": 2},
            }
        ],
        "stops": [
            {
                "machine": "m1",
                "region": "iad",
                "at_s": 20.0,
                "by": "release 2",
                "outcome": "killed",
                "took_s": 5.0,
                "story": "killed 5 s after SIGINT with 4 connections open",
            }
        ],
        "deaths": [
            {
                "machine": "m1",
                "region": "iad",
                "at_s": 12.3,
                "exit": "exited with code 3",
                "last_lines": ["starting", "late *boom*"],
                "error_line": "late *boom*",
            }
        ],
        "driver_errors": [
            {"file": "rooms.py", "line": 12, "error": "KeyError: 'room'", "count": 43}
        ],
        "frequent_errors": [
            {
                "location": "london",
                "region": "fra",
                "reason": "status 503",
                "fault": None,
                "count": 110,
            },
            {
                "location": "london",
                "region": None,
                "reason": "no *answer*",
                "fault": None,
                "count": 2,
            },
        ],
        "disconnects": [
            {
                "location": "london",
                "region": "fra",
                "by": "gateway",
                "code": 1011,
                "reason": "keepalive *timeout*",
                "count": 4,
                "unanswered": 1,
            }
        ],
        "outages": [
            {
                "location": "london",
                "region": "fra",
                "to_region": None,
                "clients": 20,
                "blip": False,
                "median_s": 31.0,
                "seconds": 33.25,
                "detection_s": 5.0,
                "dns_s": 27.0,
                "recovery_s": 0.0,
                "reconnect_s": 1.0,
            }
        ],
        "messages": {
            "sent": 9,
            "acked": 8,
            "unanswered": 1,
            "audited": True,
            "lost": 1,
            "duplicated": 0,
            "reordered": 0,
        },
        "anomalies": [{"kind": "lost", "seq": 3, "session": "s1", "text": "acknowledged at 2 s"}],
    }


def _row(check, observed, why="", *, held, **given):
    return {"check": check, **given, "held": held, "observed": observed, "why": why}


def parsed(report):
    root = ET.fromstring(junit.render(report))  # noqa: S314 - our own
    return root, root.findall("./testsuite/testcase")


def test_a_case_for_each_expectation_and_only_held_is_green(report):
    root, cases = parsed(report)
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["error"]]
    assert cases[0].get("name") == "outage: london, at most 70 s"
    failure = cases[1].find("failure")
    assert (failure.get("message"), failure.text) == (
        "1 lost of 9",
        report["expectations"][1]["why"],
    )
    for counted in (root, root[0]):
        counts = [counted.get(key) for key in ("tests", "failures", "errors")]
        assert counts == ["3", "1", "1"]


@pytest.fixture(scope="module")
def schema():
    return xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")


def test_ci_systems_can_read_it(report, schema):
    schema.validate(junit.render(report))
    report["doubts"] = ["no client ever connected"]
    schema.validate(junit.render(report))
    report["scenario"] = report["expectations"][1]["observed"] = HOSTILE
    schema.validate(junit.render(report))
    report["expectations"] = []
    schema.validate(junit.render(report))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('tests="3"', 'tests="three"'),
        ('time="150.250"', 'time="150,25"'),
        ("<properties>", "<property name='a' value='b'/><properties>"),
        (' classname="frankfurt crashes"', ""),
        ("failure", "broken"),
        ('skipped="0"', 'unknown="0"'),
    ],
)
def test_the_schema_finds_what_they_could_not(report, schema, right, wrong):
    text = junit.render(report)
    assert right in text
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(text.replace(right, wrong))


def test_what_makes_a_run_doubtful_is_an_error_of_its_own(report):
    report["doubts"] = ["no client ever connected", "the load never started"]
    root, cases = parsed(report)
    assert cases[-1].find("error").text == "no client ever connected\nthe load never started"
    assert root.get("errors") == "2"


def test_the_replay_s_figures_are_properties(report):
    root, _ = parsed(report)
    found = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert found == {
        "verdict": "failed",
        "seed": "7",
        "speed": "10.0",
        "runtime": "process",
        "links": "embedded",
        "unanswered": "1",
        "disconnects": "4",
        "deaths": "1",
        "driver_errors": "43",
    }


def test_what_xml_cannot_hold_is_replaced_and_the_rest_is_text(report):
    report["scenario"] = report["expectations"][1]["why"] = HOSTILE
    _, cases = parsed(report)
    said = cases[1].find("failure").text
    assert said == HOSTILE.translate(dict.fromkeys((0, 0x1B, 7, 0xD800), "\ufffd"))


def test_the_summary_says_verdict_reason_and_figures(report):
    text = summary.render(report)
    assert text.startswith("### frankfurt crashes: ❌ failed\n")
    assert "| ❌ | messages: 0 lost | 1 lost of 9 |" in text
    assert "❌ **messages: 0 lost**: message 3 of s1 is not stored" in text
    assert "❔ **sessions: all resumed**: no session was opened" in text
    assert "| london | fra → none | 20 | 31.0 | 33.2 | 5.0 | 27.0 | 0.0 | 1.0 |" in text
    assert (
        "8 of 9 messages acknowledged, 1 never answered: **1 lost**, 0 duplicated, 0 reordered."
        in text
    )
    assert "- lost: message 3 of s1: acknowledged at 2 s" in text
    assert (
        "Release 2 (rolling): failed, 1 of 2 machines replaced,"
        " **12 connections dropped** (said goodbye with 1012 to 7, by a message to 3,"
        " not at all to 2): machine iad/1 ended." in text
    )
    assert "| london | fra | gateway | 1011 | keepalive \\*timeout\\* | 4 | 1 |" in text
    assert text.endswith("\n")


def test_a_summary_without_outages_or_a_ledger_says_so(report):
    report["outages"], report["messages"]["audited"] = [], False
    text = summary.render(report)
    assert "Nobody waited longer than its own pace, but 4 connections ended" in text
    report["disconnects"] = []
    assert "Nobody was cut off." in summary.render(report)
    assert "what became of them was not checked" in text


def test_outages_that_are_shorter_than_the_load_can_tell_are_one_line(report):
    blip = {**report["outages"][0], "seconds": 2.6, "blip": True}
    report["outages"] += [blip, {**blip, "location": "new-york", "seconds": 2.4}]
    text = summary.render(report)
    assert text.count("| london | fra → none |") == 1
    assert (
        "2 outages (london 1, new-york 1) of at most 2.6 s are shorter than the load can tell:"
        " it sends every 1 s"
    ) in text.replace("\\", "")
    report["outages"] = report["outages"][1:]
    assert "| detection |" not in summary.render(report)


def test_names_are_text_in_markdown(report):
    report["scenario"] = report["expectations"][0]["observed"] = HOSTILE
    lines = summary.render(report).splitlines()
    assert lines[0].startswith("### a\\|b \\<script\\> \\& ")
    row = next(line for line in lines if line.startswith("| ✅"))
    assert row.replace("\\|", "").count("|") == 4
    assert "\\*bold\\*" in row
    assert "\\@team" in row


def test_markdown_tells_of_deaths_of_the_drivers_errors_and_of_the_clients(report):
    text = summary.render(report)
    assert "**Died: 12.3 s m1 of iad exited with code 3: late \\*boom\\***" in text
    assert "- rooms.py:12 43 \N{MULTIPLICATION SIGN} KeyError: 'room'" in text
    assert "- london → fra: 110 \N{MULTIPLICATION SIGN} status 503" in text
    assert "- london → nowhere: 2 \N{MULTIPLICATION SIGN} no \\*answer\\*" in text
