"""The commits of a gateway's repository, each laid out by a worktree, which is removed again.

The scenario and its topology are those of today, at their own places among each commit's files: so
the gateway is the commit's, and what is asked of it is always the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sim.bisect.release_line import Laid
from sim.errors import EnvironmentLacksError, InputError, Problem
from sim.hunt.trial import write
from sim.scenario.model import Scenario


class Commits:
    """The git repository that the scenario's file is in. Raises InputError where it is in none."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._path = (scenario.path or Path()).resolve()
        self._topology = (scenario.topology.path or Path()).resolve()
        top = self._git("rev-parse", "--show-toplevel", folder=self._path.parent)
        self.root = Path(top).resolve()
        if not self._topology.is_relative_to(self.root):
            raise InputError(Problem("the topology has to lie in the repository of the scenario"))

    def __repr__(self) -> str:
        return f"<Commits of {self.root}>"

    async def line(self, good: str, bad: str) -> list[str]:
        """The commits from `good` to `bad`, both included. Raises InputError."""
        ends = [self._git("rev-parse", "--verify", f"{ref}^{{commit}}") for ref in (good, bad)]
        line = f"{ends[0]}..{ends[1]}"
        between = self._git("rev-list", "--reverse", "--ancestry-path", line).split()
        if not between:
            raise InputError(
                Problem(f"`{bad}` does not follow from `{good}`, so nothing lies between")
            )
        return [ends[0], *between]

    def told(self, release: str) -> str:
        """A commit in a line."""
        return self._git("log", "-1", "--format=%h %s", release)

    @contextmanager
    def laid(self, release: str, folder: Path) -> Iterator[Laid]:
        """Today's scenario among the commit's files, below `folder`, while the block lasts."""
        tree = folder / "commit"
        self._git("worktree", "add", "--detach", "--force", str(tree), release)
        try:
            yield Laid(self._laid_over(tree))
        finally:
            self._git("worktree", "remove", "--force", str(tree))

    def _laid_over(self, tree: Path) -> Path:
        there, laid = (tree / path.relative_to(self.root) for path in (self._path, self._topology))
        for path in (there, laid):
            path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._topology, laid)
        document = {**self._scenario.document, "topology": os.path.relpath(laid, there.parent)}
        write(there, document)
        return there

    def _git(self, *words: str, folder: Path | None = None) -> str:
        try:
            done = subprocess.run(
                ["git", *words],
                cwd=folder or self.root,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise EnvironmentLacksError("git cannot be run", "install it") from error
        if done.returncode:
            said: Sequence[str] = done.stderr.strip().splitlines() or ["it failed"]
            raise InputError(Problem(f"git {words[0]}: {said[-1]}"))
        return done.stdout.strip()
