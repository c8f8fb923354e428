"""A finding on disk: the scenario, a test, the report's page, and what happened in a paragraph."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.apart import PAGE
from sim.hunt import hunted
from sim.hunt.story import story
from sim.hunt.strike import Plan
from sim.hunt.symptom import Symptom
from sim.hunt.trial import Tried, write
from sim.scenario.model import Scenario

_MISSED = 0.02  # how likely the test may pass over a gateway that still fails
_MOST_RUNS = 20

_TEST = '''"""Found by `sim hunt`: {title}. Fails {failed} of {runs} times.

It passes where the gateway keeps its promise. A run that could not tell whether it does, fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("scenario.yaml")
UNKNOWN = 4  # the exit code of `sim run` for it


@pytest.mark.parametrize("seed", {seeds})
def test_found_{number:03}(seed: int) -> None:
    command = [sys.executable, "-m", "sim", "run", str(SCENARIO), "--seed", str(seed)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode != UNKNOWN, "could not tell: " + ran.stdout
    assert ran.returncode == 0, ran.stdout + ran.stderr
'''


@dataclass(frozen=True)
class Finding:
    """A confirmed failure: the smallest plan so far, and how often that failed."""

    number: int
    symptom: Symptom
    plan: Plan
    seen: Tried
    seeds: Sequence[int]  # those that were tried, of which `failed` failed
    failed: int

    @property
    def name(self) -> str:
        """Its folder: number, symptom and the last fault."""
        after = f"after-{self.plan.words[-1]}" if self.plan.strikes else "undisturbed"
        slug = f"{self.symptom.name}-{after}".lower()
        slug = "".join(c if c.isalnum() else "-" for c in slug)
        return f"{self.number:03}-{'-'.join(filter(None, slug.split('-')))}"

    @property
    def runs(self) -> int:
        """How often it was tried."""
        return len(self.seeds)

    @property
    def title(self) -> str:
        """What it is, in a line."""
        return f"{self.symptom.name.replace('-', ' ')}, by {self.plan}"

    def write(self, out: Path, scenario: Scenario) -> Path:
        """Write it below `out`, in the place of an earlier form of it."""
        for before in out.glob(f"{self.number:03}-*"):
            shutil.rmtree(before)
        folder = out / self.name
        folder.mkdir(parents=True)
        path = scenario.topology.path or Path("topology.yaml")
        topology = os.path.relpath(path.resolve(), folder.resolve())
        expect = [self.symptom.expect]
        document = hunted.document(scenario, topology, self.plan, expect)
        write(folder / "scenario.yaml", {**document, "name": self.title})
        test = _TEST.format(
            title=self.title,
            failed=self.failed,
            runs=self.runs,
            number=self.number,
            seeds=[*self._of_test()],
        )
        (folder / f"test_found_{self.number:03}.py").write_text(test, encoding="utf-8")
        if (self.seen.folder / PAGE).exists():
            shutil.copy(self.seen.folder / PAGE, folder / PAGE)
        text = story(self.symptom, self.plan, self.seen)
        tail = f"\n\nFails {self.failed} of {self.runs}.\n"
        (folder / "story.md").write_text(f"# {self.title}\n\n{text}{tail}", encoding="utf-8")
        return folder

    def _of_test(self) -> Sequence[int]:
        """So many seeds that a gateway that still fails rarely passes with all of them."""
        rate = min(0.95, max(0.05, self.failed / max(1, self.runs)))
        count = min(_MOST_RUNS, math.ceil(math.log(_MISSED) / math.log(1 - rate)))
        return range(self.seen.seed, self.seen.seed + count)
