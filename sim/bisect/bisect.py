"""Runs a scenario over a gateway's commits, and finds the one that broke what it expects.

The scenario and its topology are those of today, laid over each commit's files at their own
places: so the gateway is the commit's, and what is asked of it is always the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.apart import run_apart
from sim.bisect.checkouts import Repository
from sim.bisect.first_bad import first_bad, measured
from sim.errors import InputError, Problem
from sim.hunt.trial import write
from sim.scenario.model import Scenario

_MEASURED = 5  # runs of the good and of the bad end


@dataclass
class Bisect:
    """A bisection in `folder`, a scratch folder. `tell` gets each line for a person."""

    scenario: Scenario
    folder: Path
    seed: int
    arguments: Sequence[str]
    tell: Callable[[str], None]
    runs: int = field(default=0)

    async def run(self, good: str, bad: str) -> list[str]:
        """The first bad commit in a line, or those that it may be. Raises InputError."""
        path = self.scenario.path or Path()
        repository = Repository(path)
        if not path.resolve().is_relative_to(repository.root.resolve()):
            raise InputError(Problem("the scenario has to lie in the gateway's repository"))
        commits = repository.commits(good, bad)
        self.tell(f"{len(commits)} commits, {repository.told(commits[0])} to the bad one")

        async def fails(number: int) -> bool | None:
            return await self._fails(repository, commits[number])

        failed, decided = await measured(0, _MEASURED, fails)
        if failed or not decided:
            why = f"failed {failed} of {decided}" if decided else "was unknown each time"
            raise InputError(Problem(f"the good one {why}: it shows no promise that was kept"))
        last = len(commits) - 1
        failed, decided = await measured(last, _MEASURED, fails)
        if not failed:
            raise InputError(
                Problem(f"the bad one failed 0 of {decided}: there is nothing to find")
            )
        self.tell(f"the bad one fails {failed} of {decided}")
        found = await first_bad(len(commits), failed / decided, fails)
        return [repository.told(commits[number]) for number in found]

    async def _fails(self, repository: Repository, commit: str) -> bool | None:
        """One run of a commit."""
        self.runs += 1
        tree, files = self.folder / "commit", self.folder / "run"
        with repository.checkout(commit, tree):
            scenario = self._lay_over(repository, tree)
            arguments = ["--seed", str(self.seed + self.runs), *self.arguments]
            ran = await run_apart(scenario, arguments, files, scenario.parent)
        self.tell(
            f"{repository.told(commit)}: {ran.verdict}" + (f" ({ran.why})" if ran.why else "")
        )
        return {"failed": True, "held": False}.get(ran.verdict)

    def _lay_over(self, repository: Repository, tree: Path) -> Path:
        """Today's scenario and topology in a commit's tree; the scenario there."""
        root = repository.root.resolve()
        here = (self.scenario.path or Path()).resolve()
        topology = (self.scenario.topology.path or Path()).resolve()
        there = tree / here.relative_to(root)
        there.parent.mkdir(parents=True, exist_ok=True)
        laid = tree / topology.relative_to(root)
        laid.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(topology, laid)
        write(there, {**self.scenario.document, "topology": os.path.relpath(laid, there.parent)})
        return there
