"""The page: its model, drawing code and styles in one file that needs no network.

Names and messages of a run reach the page as data only. The one script and the one style sheet
are named by their hashes in a Content-Security-Policy that allows nothing else, so that even a
mistake in the drawing code could neither run what a name says nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from string import Template
from typing import Any

from sim.page.files import joined, land, styles
from sim.page.modules import bundle
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
    style = f"{styles()}\n{joined(_PACKAGE, _STYLES)}"
    script = bundle(_PACKAGE, "page.js")
    return Template(joined(_PACKAGE, ["page.html"])).substitute(
        title=escape(title),
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}",
        style=style,
        model=embedded(data),
        land=embedded(land()),
        script=script,
    )


def embedded(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
