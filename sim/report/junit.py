"""JUnit XML (`--junit FILE`): a case for each expectation, as CI systems read it.

A broken expectation is a `failure`; one that could not be judged is an `error`, because a CI
system must not be green on it. What makes a whole run doubtful is a case of its own. The elements
and attributes are those that Jenkins, GitLab and GitHub's readers agree on.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sim.report import disconnects_in_words
from sim.report.asked import asked
from sim.report.document import Document

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Document) -> str:
    """The XML of a report. Times are simulated seconds: those of the run, none of a case."""
    cases = [_case(report, row) for row in report["expectations"]]
    if report["doubts"]:
        cases.append(_doubts(report))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
    }
    root = ET.Element("testsuites", {"name": "sim", **counts})
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": clean(report["scenario"]),
            **counts,
            "skipped": "0",
            "time": f"{report['duration_s']:.3f}",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for key in ("verdict", "seed", "speed", "runtime", "links"):
        ET.SubElement(properties, "property", {"name": key, "value": str(report[key])})
    for key, value in (
        ("unanswered", report["messages"]["unanswered"]),
        ("disconnects", disconnects_in_words.total(report)),
        ("deaths", len(report["deaths"])),
        ("driver_errors", sum(row["count"] for row in report["driver_errors"])),
    ):
        ET.SubElement(properties, "property", {"name": key, "value": str(value)})
    suite.extend(cases)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(report: Document, row: Document) -> ET.Element:
    case = _element(report, asked(row))
    if row["held"] is not True:
        kind = "error" if row["held"] is None else "failure"
        _add(case, kind, row["check"], row["observed"], row["why"])
    return case


def _doubts(report: Document) -> ET.Element:
    case = _element(report, "the run can be trusted")
    first, *_ = report["doubts"]
    _add(case, "error", "unknown", first, "\n".join(report["doubts"]))
    return case


def _element(report: Document, name: str) -> ET.Element:
    return ET.Element(
        "testcase", {"classname": clean(report["scenario"]), "name": clean(name), "time": "0"}
    )


def _add(case: ET.Element, kind: str, check: str, message: str, text: str) -> None:
    said = ET.SubElement(case, kind, {"type": check, "message": clean(message)})
    said.text = clean(text or message)


def clean(text: object) -> str:
    """Text without the characters that XML 1.0 cannot hold, not even escaped."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(text))
