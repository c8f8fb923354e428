"""Where in a repository its program is, when its files are not at the top of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sim.errors import InputError
from sim.init.look import MANIFESTS, look, own_folders
from sim.init.node import is_library
from sim.init.repository import Repository
from sim.suggestions import listed

_DEEPEST = 3  # apps/backend/gateway
_WORKSPACES = ("pnpm-workspace.yaml", "lerna.json", "nx.json", "turbo.json")


def program_below(folder: Path, found: Repository) -> Path | None:
    """The one folder below whose files say what to run, or None where those of the top do.

    `found` is what the top says. Raises InputError where there are several to choose from.
    """
    if not _leaves_it_open(folder, found):
        return None
    below = [path.relative_to(folder) for path in _programs(folder, _DEEPEST)]
    if len(below) > 1:
        names = listed(sorted(map(str, below)))
        raise InputError(f"{names} each say what to run; name one, as in `sim init {below[0]}`")
    return below[0] if below else None


def _leaves_it_open(folder: Path, found: Repository) -> bool:
    """Whether nothing at the top is of a program: it is empty, or a monorepo's tools."""
    if found.containers or (found.program and "/" not in found.program.by):
        return False
    there = {name for name in MANIFESTS if (folder / name).is_file()}
    return not there or (
        there == {"package.json"}
        and (found.workspaces or any((folder / name).is_file() for name in _WORKSPACES))
    )


def _programs(folder: Path, depth: int) -> Iterator[Path]:
    """Folders with a manifest that says what to run; what is below one is a part of it."""
    for path in own_folders(folder):
        if any((path / name).is_file() for name in MANIFESTS) and _says_what_to_run(path):
            yield path
        elif depth > 1:
            yield from _programs(path, depth - 1)


def _says_what_to_run(folder: Path) -> bool:
    found = look(folder)
    if found.program is None or found.containers:
        return found.containers
    package = folder / "package.json"
    others = any(facts.command for name, facts in found.files.items() if name != package.name)
    return others or not is_library(package.read_text(encoding="utf-8-sig"))
