"""The user's own command: what the fly.toml says, else the Dockerfile, else the package.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from sim.topology.fly_toml.read import FlyToml

_INSTRUCTION = re.compile(r"\s*(FROM|ENTRYPOINT|CMD)\s+(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Program:
    """A command line and the file that says it."""

    command: tuple[str, ...]
    said_by: str


def program_of(fly: FlyToml, folder: Path) -> Program | None:
    """What machines run; `folder` is the fly.toml's. None where no file there says it."""
    if command := fly.gateway.get("command"):
        return Program(tuple(command), "the fly.toml")
    if "image" in fly.gateway:
        return None  # the image has its own, and whatever lies beside the fly.toml is not in it
    if fly.dockerfile and (words := _of_dockerfile(folder / fly.dockerfile)):
        return Program(words, fly.dockerfile)
    if _starts(folder / "package.json"):
        return Program(("npm", "start"), "package.json")
    return None


def _of_dockerfile(path: Path) -> tuple[str, ...]:
    """ENTRYPOINT and CMD of the last stage, as Docker puts them together; empty without any."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    said: dict[str, str] = {}
    for statement in re.sub(r"\\[ \t]*\n", " ", kept).splitlines():
        if match := _INSTRUCTION.match(statement):
            name, value = match[1].upper(), match[2].strip()
            said = {} if name == "FROM" else {**said, name: value}
    entrypoint, cmd = said.get("ENTRYPOINT", ""), said.get("CMD", "")
    if entrypoint and not entrypoint.startswith("["):
        return _words(entrypoint)  # a shell's line takes no arguments
    return (*_words(entrypoint), *_words(cmd))


def _words(value: str) -> tuple[str, ...]:
    """The words of an instruction: a JSON list, else a line for the shell."""
    try:
        words = json.loads(value)
    except ValueError:
        words = None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return ("/bin/sh", "-c", value) if value else ()


def _starts(path: Path) -> bool:
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    scripts = package.get("scripts") if isinstance(package, dict) else None
    return isinstance(scripts, dict) and "start" in scripts
