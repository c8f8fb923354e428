"""The forms of a campaign's report, by name: JSON, a page, JUnit and Markdown."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from sim.campaign import campaign_junit, campaign_page, campaign_summary
from sim.campaign.campaign_document import Document
from sim.errors import EnvironmentLacksError

FILES = {
    "json": "report.json",
    "html": "report.html",
    "junit": "junit.xml",
    "summary": "summary.md",
}


def write(document: Document, pages: Mapping[str, Path], files: Mapping[str, Path | None]) -> None:
    """Write the forms that have a file. Pages of runs are linked from where the page is."""
    for form, path in files.items():
        if path is None:
            continue
        try:
            path.write_text(_rendered(form, document, pages, path), encoding="utf-8")
        except OSError as error:
            raise EnvironmentLacksError(
                f"{path} cannot be written: {error.strerror}",
                "make room there, or name another; `sim merge` writes it from the results",
            ) from error


def _rendered(form: str, document: Document, pages: Mapping[str, Path], path: Path) -> str:
    match form:
        case "html":
            near = {cell: os.path.relpath(file, path.parent) for cell, file in pages.items()}
            return campaign_page.render(document, near)
        case "junit":
            return campaign_junit.render(document)
        case "summary":
            return campaign_summary.render(document)
        case _:
            return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
