"""One cell as a process of its own: `sim run`, as a person would give the command."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from sim.campaign.matrix import Cell
from sim.campaign.row import Row, row_of, row_unjudged
from sim.clock import Clock
from sim.processes.child import Child, tail
from sim.scenario.verdict import EXIT_CODES

PAGE, _REPORT, _JOURNAL, _OUTPUT = "report.html", "report.json", "journal.jsonl", "output.txt"
_TO_END_S = 60.0  # a world that was asked to end has ended long before


async def run_cell(cell: Cell, base: Path, folder: Path) -> Row:
    """Run a cell, with the files of its run in `folder`; scenarios are named from `base`.

    Whoever cancels it waits until the run has ended and left nothing behind.
    """
    _make_empty(folder)
    files = (("--json", _REPORT), ("--html", PAGE), ("--journal", _JOURNAL))
    child = Child(
        [
            *(sys.executable, "-m", "sim", "run", str(base / cell.scenario), *cell.arguments),
            *(word for option, name in files for word in (option, str(folder / name))),
        ],
        env=os.environ,
        output=folder / _OUTPUT,
    )
    try:
        end = await child.exited()
    finally:
        if child.running:
            await child.stop(Clock(), _TO_END_S)
    report = folder / _REPORT
    if end.code in EXIT_CODES.values() and report.exists():
        return row_of(cell, json.loads(report.read_text(encoding="utf-8")))
    return row_unjudged(cell, f"the run came to no verdict ({end}): {_last_words(folder)}")


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _last_words(folder: Path) -> str:
    """The error that a run ended with, else the last that it said."""
    lines = [line.strip() for line in tail(folder / _OUTPUT, 40) if line.strip()]
    begins = next((k for k, line in enumerate(lines) if line.startswith("error: ")), -1)
    return " ".join(lines[begins:])[:500] if lines else "it said nothing"
