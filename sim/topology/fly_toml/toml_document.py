"""A TOML file that is read key by key, with the line of each.

What is asked of it is checked, and what nobody asked for is known at the end.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import InputError, Problem
from sim.topology.units import format_duration, parse_duration, quoted

_KINDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "`true` or `false`",
    dict: "a table",
    list: "an array of tables",
}
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"-]+)\s*=")


class TomlDocument:
    """The problems and the notes of one file, and where in it things are."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as error:
            message = f"cannot be read: {error}; give a fly.toml"
            raise InputError(Problem(message, self.file)) from error
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            message = f"is not TOML: {error}; check the quotes and brackets there"
            raise InputError(Problem(message, self.file, int(line[1]) if line else None)) from error
        self._lines = _lines(text)
        self.root = Table(self, data)

    def problem(self, field_: str, message: str) -> None:
        """Tell a mistake of the user's."""
        self.problems.append(Problem(message, self.file, self.line(field_), field_))

    def note(self, field_: str, message: str) -> None:
        """Tell what is not simulated."""
        self.notes.append(Problem(message, self.file, self.line(field_), field_))

    def line(self, field_: str) -> int | None:
        """The first line that sets the field or opens its table (tomllib has none)."""
        while field_ and field_ not in self._lines:
            field_ = field_.rpartition(".")[0]
        return self._lines.get(field_)


@dataclass
class Table:
    """One table of the file; `name` is its dotted name, and `asked` what was read of it."""

    document: TomlDocument
    data: Mapping[str, Any]
    name: str = ""
    asked: set[str] = field(default_factory=set)

    def field(self, key: str) -> str:
        """The dotted name of a key."""
        return f"{self.name}.{key}" if self.name else key

    def get(self, key: str, kind: type) -> Any:
        """The value of a key; None where it is missing, or of another kind, which is told."""
        self.asked.add(key)
        value = self.data.get(key)
        if value is None or (isinstance(value, kind) and (kind is bool) >= isinstance(value, bool)):
            return value
        self.problem(key, f"found {quoted(value)}; must be {_KINDS[kind]}")
        return None

    def any(self, key: str) -> Any:
        """The value of a key, of whatever kind."""
        self.asked.add(key)
        return self.data.get(key)

    def table(self, key: str) -> Table:
        """The table below a key, empty where there is none."""
        return Table(self.document, self.get(key, dict) or {}, self.field(key))

    def tables(self, key: str) -> list[Table]:
        """The array of tables below a key."""
        items = self.get(key, list) or []
        if not all(isinstance(item, dict) for item in items):
            self.problem(key, "must be an array of tables, as `[[…]]` writes them")
        name = self.field(key)
        return [Table(self.document, item, name) for item in items if isinstance(item, dict)]

    def words(self, key: str) -> list[str]:
        """The list of texts at a key, empty where there is none."""
        items = self.get(key, list) or []
        if not all(isinstance(item, str) for item in items):
            self.problem(key, "must be a list of texts")
        return [item for item in items if isinstance(item, str)]

    def command(self, key: str) -> list[str] | None:
        """The words of a command line, or None where there is none."""
        line = self.get(key, str)
        try:
            return shlex.split(line) if line else None
        except ValueError as error:
            self.problem(key, f"is no command line: {error}")
            return None

    def duration(self, key: str, bare_s: float) -> str | None:
        """A duration in the topology's words. `bare_s`: what a bare number counts, in seconds."""
        value = self.any(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return format_duration(value * bare_s)
        try:
            return format_duration(parse_duration(value))
        except ValueError as error:
            self.problem(key, str(error))
            return "0s"

    def problem(self, key: str, message: str) -> None:
        """Tell a mistake at a key."""
        self.document.problem(self.field(key), message)

    def note(self, key: str, message: str) -> None:
        """Tell that what a key says is not simulated."""
        self.document.note(self.field(key), message)

    def note_rest(self, reasons: Mapping[str, str]) -> None:
        """Note every key that nobody asked for: with its reason, if it has one of its own."""
        for key, value in self.data.items():
            if key not in self.asked and value not in ({}, []):
                self.note(key, reasons.get(key, "is not simulated"))


def _lines(text: str) -> dict[str, int]:
    """The first line of each field, and of each table by its header."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _dotted(header[1])
            parts = table.split(".")
            for end in range(1, len(parts) + 1):
                found.setdefault(".".join(parts[:end]), number)
        elif key := _KEY.match(line):
            name = _dotted(key[1])
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _dotted(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
