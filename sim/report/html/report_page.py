"""The page of a report: its model, drawing code and styles in one file that needs no network.

Names and messages of a run reach the page as data only.
"""

from __future__ import annotations

import json
from typing import Any

from sim.page.html_page import html_page
from sim.page.modules import bundle
from sim.page.page_files import land
from sim.report.document import Document
from sim.report.html.page_model import model
from sim.scenario.evidence import Evidence
from sim.scenario.verdict import Verdict

_PACKAGE = "sim.report.html"
_STYLES = ("page.css", "print.css")


def render(evidence: Evidence, verdict: Verdict, report: Document) -> str:
    """The whole page. `report` is the document of `sim.report.document.build`."""
    return page_of(model(evidence, report), f"{report['scenario']}: {verdict.outcome}")


def page_of(data: dict[str, Any], title: str) -> str:
    """The page of a model."""
    return html_page(
        _PACKAGE,
        "page.html",
        _STYLES,
        title=title,
        script=bundle(_PACKAGE, "page.js"),
        model=embedded(data),
        land=embedded(land()),
    )


def embedded(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
