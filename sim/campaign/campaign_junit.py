"""A campaign as JUnit XML: a case for each run, in a suite for each scenario."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from sim.campaign.campaign_document import Document
from sim.campaign.matrix import SCENARIO, SEED, said
from sim.report.junit import clean


def render(document: Document) -> str:
    """The XML of a report. A run that failed is a `failure`, one that is unknown an `error`."""
    root = ET.Element("testsuites", {"name": clean(document["campaign"])})
    suites: dict[str, ET.Element] = {}
    for setup in document["setups"]:
        scenario = setup["setup"][SCENARIO]
        if scenario not in suites:
            suites[scenario] = ET.SubElement(root, "testsuite", {"name": clean(scenario)})
        for run in setup["runs"]:
            suites[scenario].append(_case(setup["setup"], run))
    for suite in suites.values():
        _count(suite, suite)
        suite.attrib |= {"skipped": "0", "time": "0"}
    _count(root, root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(setup: Document, run: Document) -> ET.Element:
    named = [said(key, value) for key, value in setup.items() if key != SCENARIO]
    case = ET.Element(
        "testcase",
        {
            "classname": clean(setup[SCENARIO]),
            "name": clean(", ".join([*named, f"{SEED}={run['seed']}"])),
            "time": "0",
        },
    )
    if run["verdict"] != "held":
        kind = "failure" if run["verdict"] == "failed" else "error"
        why = run["why"] or ["it did not hold"]
        told = ET.SubElement(case, kind, {"type": run["verdict"], "message": clean(why[0])})
        told.text = clean("\n".join(why))
    return case


def _count(element: ET.Element, of: ET.Element) -> None:
    element.set("tests", str(len(of.findall(".//testcase"))))
    element.set("failures", str(len(of.findall(".//failure"))))
    element.set("errors", str(len(of.findall(".//error"))))
