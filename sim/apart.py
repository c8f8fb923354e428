"""A run of a scenario's file in a process of its own, as a person would give the command."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.clock import Clock
from sim.processes.child import Child, tail
from sim.scenario.verdict import EXIT_CODES

PAGE, JOURNAL = "report.html", "journal.jsonl"
_REPORT, _OUTPUT = "report.json", "output.txt"
FILES = (PAGE, JOURNAL, _REPORT, _OUTPUT)
_TO_END_S = 60.0  # a world that was asked to end has ended long before


@dataclass(frozen=True)
class Ran:
    """The report of a run, or None and `why` it came to no verdict."""

    report: Mapping[str, Any] | None
    why: str = ""

    @property
    def verdict(self) -> str:
        """held, failed or unknown."""
        return self.report["verdict"] if self.report else "unknown"


async def run_apart(
    scenario: Path, arguments: Sequence[str], folder: Path, modules: Path | None = None
) -> Ran:
    """Run a scenario with the files of its run in `folder`; what was there is gone, but for it.

    `modules` is where a driver in Python is looked for too. Whoever cancels it waits until the run
    has ended and left nothing behind.
    """
    empty(folder, but=scenario)
    child = Child(
        [sys.executable, "-m", "sim", *words(scenario, arguments, folder)],
        env=_environment(modules),
        output=folder / _OUTPUT,
    )
    try:
        end = await child.exited()
    finally:
        if child.running:
            await child.stop(Clock(), _TO_END_S)
    return ran_of(folder, end.code, str(end))


def words(scenario: Path, arguments: Sequence[str], folder: Path) -> list[str]:
    """What `sim` is told to run a scenario, with the files of its run in a folder."""
    files = (("--json", _REPORT), ("--html", PAGE), ("--journal", JOURNAL))
    return [
        *("run", str(scenario), *arguments),
        *(word for option, file in files for word in (option, str(folder / file))),
    ]


def ran_of(folder: Path, code: int | None, end: str) -> Ran:
    """What came of a run that has ended, from its exit code and the files that it left."""
    report = folder / _REPORT
    if code in EXIT_CODES.values() and report.exists():
        return Ran(json.loads(report.read_text(encoding="utf-8")))
    return Ran(None, f"the run came to no verdict ({end}): {_last_words(folder)}")


def empty(folder: Path, but: Path | None = None) -> None:
    """What is left of an earlier run must not be taken for this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != but:
            path.unlink()


def _environment(modules: Path | None) -> Mapping[str, str]:
    if modules is None:
        return os.environ
    paths = [str(modules), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _last_words(folder: Path) -> str:
    """The error that a run ended with, else the last that it said."""
    lines = [line.strip() for line in tail(folder / _OUTPUT, 40) if line.strip()]
    begins = next((k for k, line in enumerate(lines) if line.startswith("error: ")), -1)
    return " ".join(lines[begins:])[:500] if lines else "it said nothing"
