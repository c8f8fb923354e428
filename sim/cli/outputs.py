"""The files that a run can be asked to write: one option each, one place that writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.options import OUTPUT
from sim.errors import EnvironmentLacksError

if TYPE_CHECKING:
    from sim.report.outcome import Outcome

_FORMS = {
    "json": "Write the report as JSON.",
    "html": "Write the report as a page that opens from disk.",
    "junit": "Write the expectations as JUnit XML, for CI.",
    "summary": "Write a summary in Markdown, for a pull request.",
}


@dataclass(frozen=True)
class Outputs:
    """Where each form of the report goes, None for one that nobody asked for."""

    json: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    summary: Path | None = None

    def numbered(self, number: int) -> Outputs:
        """The same of one of several runs, each with files of its own."""
        named = {form: numbered(getattr(self, form), number) for form in _FORMS}
        return Outputs(**named)

    def write(self, outcome: Outcome) -> None:
        """Write what was asked for."""
        for form in _FORMS:
            path: Path | None = getattr(self, form)
            if path:
                text = _rendered(form, outcome)
                try:
                    path.write_text(text, encoding="utf-8")
                except OSError as error:
                    raise EnvironmentLacksError(
                        f"{path} cannot be written: {error.strerror}",
                        "make room there, or name another file; `sim report JOURNAL` writes it"
                        " without another run, if you keep the journal (--journal)",
                    ) from error


def numbered(path: Path | None, number: int) -> Path | None:
    """The path of a run's file: `report-2.json` for `report.json`."""
    return path and path.with_stem(f"{path.stem}-{number}")


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each form; it gets them as keywords of `Outputs`."""
    for form, help_text in reversed(_FORMS.items()):
        command = click.option(f"--{form}", type=OUTPUT, metavar="F", help=help_text)(command)
    return command


def _rendered(form: str, outcome: Outcome) -> str:
    if form == "html":
        from sim.report import html

        return html.render(outcome.evidence, outcome.verdict, outcome.report)
    if form == "junit":
        from sim.report import junit

        return junit.render(outcome.report)
    if form == "summary":
        from sim.report import summary

        return summary.render(outcome.report)
    return json.dumps(outcome.report, ensure_ascii=False, indent=2) + "\n"
