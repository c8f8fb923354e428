"""One try: a plan as a scenario file, run as a person would run it, in a process of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import yaml

from sim.apart import JOURNAL, run_apart
from sim.errors import InputError
from sim.hunt import hunted
from sim.hunt.strike import Plan
from sim.hunt.symptom import Symptom, symptoms
from sim.observe.history import History
from sim.observe.journal import read
from sim.scenario.model import Scenario

_SCENARIO = "scenario.yaml"
_DOUBT = 100  # characters


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

    @property
    def doubt(self) -> str:
        """Why a verdict is unknown, in a few words."""
        report = self.report or {}
        open_ = (row for row in report.get("expectations", ()) if row["held"] is None)
        said = [*report.get("doubts", ()), *(f"{row['check']}: {row['why']}" for row in open_)]
        return shorten(said[0], _DOUBT, placeholder=" …") if said else "nothing was judged"

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
        own = (self.scenario.path or Path()).resolve().parent
        arguments = ["--seed", str(seed), *self.arguments]
        ran = await run_apart(folder / _SCENARIO, arguments, folder, own)
        found = symptoms(ran.report, asked) if ran.report else []
        return Tried(plan, seed, folder, ran.report, found, ran.why)

    def topology(self) -> str:
        """The topology's file, from wherever."""
        path = self.scenario.topology.path
        if path is None:
            raise InputError("a hunt needs a topology that is a file")
        return str(path.resolve())


def write(path: Path, document: Mapping[str, Any]) -> None:
    """A scenario's document as its file."""
    plain = json.loads(json.dumps(document))  # nothing is said twice by an alias
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")
