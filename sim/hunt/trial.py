"""One try: a plan as a scenario file, run as a person would run it, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sim.clock import Clock
from sim.errors import InputError
from sim.hunt import hunted
from sim.hunt.strike import Plan
from sim.hunt.symptom import Symptom, symptoms
from sim.observe.history import History
from sim.observe.journal import read
from sim.processes.child import Child, tail
from sim.scenario.model import Scenario

PAGE, JOURNAL = "report.html", "journal.jsonl"
_SCENARIO, _REPORT, _OUTPUT = "scenario.yaml", "report.json", "output.txt"
_TO_END_S = 60.0  # a world that was asked to end has ended long before


@dataclass(frozen=True)
class Tried:
    """What came of a try: `report` is None where there was none, and `said` then tells why."""

    plan: Plan
    seed: int
    folder: Path
    report: Mapping[str, Any] | None
    symptoms: Sequence[Symptom]
    said: str = ""

    @property
    def verdict(self) -> str:
        """held, failed or unknown."""
        return self.report["verdict"] if self.report else "unknown"

    def shows(self, symptom: Symptom) -> bool | None:
        """Whether it is broken in that way; None where the run could not tell."""
        if symptom in self.symptoms:
            return True
        return None if self.verdict == "unknown" else False

    def history(self) -> History:
        """What happened. Raises InputError where no journal was written."""
        return History(read(self.folder / JOURNAL))


@dataclass(frozen=True)
class Trials:
    """How plans of a scenario are tried: in folders of `folder`, with these further words."""

    scenario: Scenario
    folder: Path
    arguments: Sequence[str]

    async def run(
        self, plan: Plan, seed: int, name: str, expect: Sequence[Mapping[str, Any]] | None = None
    ) -> Tried:
        """Try a plan. Whoever cancels it waits until the run has ended and left nothing behind."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        asked = [*(hunted.invariants(self.scenario, plan) if expect is None else expect)]
        write(folder / _SCENARIO, hunted.document(self.scenario, self.topology(), plan, asked))
        files = (("--json", _REPORT), ("--html", PAGE), ("--journal", JOURNAL))
        child = Child(
            [
                *(sys.executable, "-m", "sim", "run", str(folder / _SCENARIO)),
                *("--seed", str(seed), *self.arguments),
                *(word for option, file in files for word in (option, str(folder / file))),
            ],
            env=self._environment(),
            output=folder / _OUTPUT,
        )
        try:
            await child.exited()
        finally:
            if child.running:
                await child.stop(Clock(), _TO_END_S)
        try:
            report = json.loads((folder / _REPORT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Tried(plan, seed, folder, None, (), " ".join(tail(folder / _OUTPUT, 8))[-500:])
        return Tried(plan, seed, folder, report, symptoms(report, asked))

    def topology(self) -> str:
        """The topology's file, from wherever."""
        path = self.scenario.topology.path
        if path is None:
            raise InputError("a hunt needs a topology that is a file")
        return str(path.resolve())

    def _environment(self) -> Mapping[str, str]:
        """A driver in Python is looked for in the scenario's own folder too."""
        own = str((self.scenario.path or Path()).resolve().parent)
        before = os.environ.get("PYTHONPATH")
        return {**os.environ, "PYTHONPATH": f"{own}{os.pathsep}{before}" if before else own}


def write(path: Path, document: Mapping[str, Any]) -> None:
    """A scenario's document as its file."""
    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")
