"""Reads the files of a folder that say something of its program."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sim.init.compose_file import read_compose
from sim.init.dockerfile import read_dockerfile
from sim.init.facts import Facts
from sim.init.fly import facts_of_fly
from sim.init.golang import read_go, read_go_mod
from sim.init.jvm import read_java, read_pom
from sim.init.node import read_javascript, read_package
from sim.init.procfile import read_procfile
from sim.init.python import INTERPRETER, read_pyproject, read_python, read_requirements
from sim.init.repository import Repository
from sim.topology.fly_toml import read_fly_toml

# In the order of trust. A Dockerfile's command may be one of the image's own files: see `_runs`.
_FILES: dict[str, Callable[[str], Facts]] = {
    "Procfile": read_procfile,
    **dict.fromkeys(
        ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"), read_compose
    ),
    "Dockerfile": read_dockerfile,
    "package.json": read_package,
    "pyproject.toml": read_pyproject,
    "requirements.txt": read_requirements,
    "go.mod": read_go_mod,
    "pom.xml": read_pom,
}
MANIFESTS = ("fly.toml", *_FILES)
_SOURCES: dict[str, Callable[[str, str], Facts]] = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".ts"), read_javascript),
    ".py": read_python,
    ".go": read_go,
    ".java": read_java,
}
_NOT_OURS = re.compile(
    r"(^|/)(\..*|node_modules|venv|dist|build|target|vendor|tests?|__tests__|sim|migrations)(/|$)"
    r"|[._]test\.|(^|/)test_|\.config\.|client"
)
_MOST_SOURCES = 60
_DEEPEST = 7  # src/main/java/com/example/gateway/…
_MOST_BYTES = 200_000


def look(folder: Path, fly_toml: Path | None = None) -> Repository:
    """What the files of this folder say. `fly_toml`: one that is elsewhere.

    Raises InputError where the fly.toml cannot be used.
    """
    files: dict[str, Facts] = {}
    fly_path = fly_toml or (folder / "fly.toml" if (folder / "fly.toml").is_file() else None)
    fly = read_fly_toml(fly_path) if fly_path else None
    if fly and fly_path:
        files[fly_path.name] = facts_of_fly(fly)
    finders = dict(_FILES)
    if fly and fly.dockerfile:
        finders = {fly.dockerfile: read_dockerfile, **finders}
    for name, read in finders.items():
        if (text := _text(folder / name)) is not None:
            files[name] = read(text)
    for path in _sources(folder):
        name = path.relative_to(folder).as_posix()
        if (text := _text(path)) is not None:
            files[name] = _SOURCES[path.suffix](text, name)
    in_images = {name for name, read in finders.items() if read in (read_dockerfile, read_compose)}
    files = {name: _as_here(facts, folder, name in in_images) for name, facts in files.items()}
    if fly_path and not fly_path.is_absolute():
        fly_path = Path(os.path.relpath(fly_path, folder))
    return Repository(files, fly, fly_path, _dotenv(folder))


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig") if path.stat().st_size < _MOST_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def _sources(folder: Path) -> Iterator[Path]:
    """Source files, those of the top first, and first those that are usually the program."""
    found = (path for path in _files(folder, folder, _DEEPEST) if path.suffix in _SOURCES)
    return islice(found, _MOST_SOURCES)


def own_folders(folder: Path) -> list[Path]:
    """The folders in it that are the repository's own and can be entered, in their names' order."""
    return [path for path in _own(folder, folder) if path.is_dir() and os.access(path, os.X_OK)]


def _files(root: Path, folder: Path, depth: int) -> Iterator[Path]:
    """The repository's own files below a folder; what is installed or built there is not read."""
    own = sorted(_own(root, folder), key=_likely)
    yield from (entry for entry in own if entry.is_file())
    if depth:
        for entry in own:
            if entry.is_dir():
                yield from _files(root, entry, depth - 1)


def _own(root: Path, folder: Path) -> list[Path]:
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.is_symlink())
    except OSError:  # a folder of somebody else's
        return []
    return [e for e in entries if not _NOT_OURS.search(e.relative_to(root).as_posix())]


def _likely(path: Path) -> tuple[bool, str]:
    return path.stem not in ("server", "main", "app", "index", "gateway", "Main", "App"), path.name


def _as_here(facts: Facts, folder: Path, in_image: bool) -> Facts:
    """Without a command of files that only an image has, and with the repository's own Python."""
    command = facts.command
    if not command or (in_image and not _runs(command, folder)):
        return replace(facts, command=())
    return replace(facts, command=_with_interpreter(command, folder))


def _runs(command: tuple[str, ...], folder: Path) -> bool:
    """Whether all files that an image's command names are in the repository too."""
    try:
        words = shlex.split(command[2]) if command[:2] == ("sh", "-c") else command
    except ValueError:
        return True
    files = (word for word in words if _FILE.fullmatch(word))
    return all((folder / word).exists() for word in files)


_FILE = re.compile(r"\.{0,2}/[\w./-]+|[\w-][\w./-]*\.(?:jar|[cm]?js|py|sh)|[\w-]+/[\w./-]+")
_OF_PYTHON = re.compile(
    r"^((?:exec )?)(python3?|uvicorn|gunicorn|hypercorn|daphne|fastapi|flask)\b"
)


def _with_interpreter(command: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """The command by the Python that has the repository's packages."""
    shell = command[:2] == ("sh", "-c")
    first = command[2] if shell else command[0]
    match = _OF_PYTHON.match(first)
    if not match:
        return command
    program = match[2]
    python = _interpreter(folder)
    module = () if program.startswith("python") else ("-m", program)
    if not shell:
        return (python, *module, *command[1:])
    words = " ".join((python, *module))
    return ("sh", "-c", f"{match[1]}{words}{first[match.end() :]}")


def _interpreter(folder: Path) -> str:
    """The environment beside it, if there is or will be one; else the Python that runs us."""
    for name in (".venv", "venv", "env"):
        if (folder / name / "bin" / "python").exists():
            return f"{name}/bin/python"
    installs = any((folder / name).is_file() for name in ("requirements.txt", "pyproject.toml"))
    served = importlib.util.find_spec("uvicorn") is not None
    if installs and not served:
        return ".venv/bin/python"
    return INTERPRETER if shutil.which(INTERPRETER) else "python3"


def prepared(line: str, folder: Path) -> bool:
    """Whether what a shell line makes is there already."""
    made = {
        "npm install": "node_modules",
        "go build": "sim/gateway",
        "mvn": "target",
        "python3 -m venv": ".venv/bin/python",
    }
    there = next((name for start, name in made.items() if line.startswith(start)), None)
    return there is not None and (folder / there).exists()


def _dotenv(folder: Path) -> tuple[str, ...]:
    """The names that a `.env` of the repository gives values."""
    text = _text(folder / ".env") or ""
    return tuple(re.findall(r"^\s*(?:export )?([A-Za-z_]\w*)=.+$", text, re.MULTILINE))
