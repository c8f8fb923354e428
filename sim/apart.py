"""A run of a scenario's file in a process of its own, as a person would give the command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.clock import Clock
from sim.processes.child import Child, tail

PAGE, JOURNAL = "report.html", "journal.jsonl"
_REPORT, _OUTPUT = "report.json", "output.txt"
_TO_END_S = 60.0  # a world that was asked to end has ended long before


@dataclass(frozen=True)
class Ran:
    """The report of a run, or None and what it `said` last."""

    report: Mapping[str, Any] | None
    said: str = ""

    @property
    def verdict(self) -> str:
        """held, failed or unknown."""
        return self.report["verdict"] if self.report else "unknown"


async def run_apart(
    scenario: Path, arguments: Sequence[str], folder: Path, modules: Path | None = None
) -> Ran:
    """Run a scenario with the files of its run in `folder`, which is there and empty.

    `modules` is where a driver in Python is looked for too. Whoever cancels it waits until the run
    has ended and left nothing behind.
    """
    files = (("--json", _REPORT), ("--html", PAGE), ("--journal", JOURNAL))
    child = Child(
        [
            *(sys.executable, "-m", "sim", "run", str(scenario), *arguments),
            *(word for option, file in files for word in (option, str(folder / file))),
        ],
        env=_environment(modules),
        output=folder / _OUTPUT,
    )
    try:
        await child.exited()
    finally:
        if child.running:
            await child.stop(Clock(), _TO_END_S)
    try:
        return Ran(json.loads((folder / _REPORT).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return Ran(None, " ".join(tail(folder / _OUTPUT, 8))[-500:])


def _environment(modules: Path | None) -> Mapping[str, str]:
    if modules is None:
        return os.environ
    before = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": f"{modules}{os.pathsep}{before}" if before else str(modules),
    }
