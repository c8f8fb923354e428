"""Commits of a gateway's repository as folders, by git's worktrees, which are removed again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sim.errors import EnvironmentLacksError, InputError, Problem


class Repository:
    """The git repository that a file is in. Raises InputError where it is in none."""

    def __init__(self, file: Path) -> None:
        inside = file.resolve().parent
        self.root = Path(self._git("rev-parse", "--show-toplevel", folder=inside))

    def __repr__(self) -> str:
        return f"<Repository {self.root}>"

    def commits(self, good: str, bad: str) -> list[str]:
        """The commits from `good` to `bad`, both included. Raises InputError."""
        ends = [self._git("rev-parse", "--verify", f"{ref}^{{commit}}") for ref in (good, bad)]
        line = f"{ends[0]}..{ends[1]}"
        between = self._git("rev-list", "--reverse", "--ancestry-path", line).split()
        if not between:
            raise InputError(
                Problem(f"`{bad}` does not follow from `{good}`, so nothing lies between")
            )
        return [ends[0], *between]

    def told(self, commit: str) -> str:
        """A commit in a line."""
        return self._git("log", "-1", "--format=%h %s", commit)

    @contextmanager
    def checkout(self, commit: str, folder: Path) -> Iterator[Path]:
        """The commit's files in `folder`, which is not there yet, while the block lasts."""
        self._git("worktree", "add", "--detach", "--force", str(folder), commit)
        try:
            yield folder
        finally:
            self._git("worktree", "remove", "--force", str(folder))

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
