"""A TOML file that is read key by key, with the line of each.

What is asked of it is checked, and what nobody asked for is known at the end.
"""

from __future__ import annotations

import difflib
import pathlib
import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.errors import InputError, Problem
from sim.suggestions import suggest
from sim.topology.fly_toml.toml_keys import folded
from sim.topology.fly_toml.toml_lines import Path, lines_of
from sim.topology.units import format_duration, parse_duration, quoted

_KINDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "`true` or `false`",
    dict: "a table",
    list: "an array of tables",
}


class TomlDocument:
    """The problems and the notes of one file, and where in it things are."""

    def __init__(self, path: pathlib.Path) -> None:
        self.file = str(path)
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        try:
            text = path.read_text(encoding="utf-8-sig")
            data = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as error:
            message = f"cannot be read: {error}; give a fly.toml"
            raise InputError(Problem(message, self.file)) from error
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            message = f"is not TOML: {error}; check the quotes and brackets there"
            raise InputError(Problem(message, self.file, int(line[1]) if line else None)) from error
        self._lines = {_caseless(way): line for way, line in reversed(lines_of(text).items())}
        self.root = Table(self, folded(data))

    def told(self, path: Path, message: str) -> Problem:
        """A message with the place of what it is about: the key, else the table that holds it."""
        name = ".".join(part for part in path if isinstance(part, str))
        way = _caseless(path)
        while way and way not in self._lines:
            way = way[:-1]
        return Problem(message, self.file, self._lines.get(way), name or None)


def _caseless(path: Path) -> Path:
    return tuple(part.lower() if isinstance(part, str) else part for part in path)


@dataclass
class Table:
    """One table of the file, the way to it, and what was `asked` of it."""

    document: TomlDocument
    data: Mapping[str, Any]
    path: Path = ()
    asked: set[str] = field(default_factory=set)

    def get(self, key: str, kind: type) -> Any:
        """The value of a key; None where it is missing, or of another kind, which is told."""
        value = self.any(key)
        if value is None or (isinstance(value, kind) and (kind is bool) >= isinstance(value, bool)):
            return value
        self.problem(key, f"found {quoted(value)}; must be {_KINDS[kind]}")
        return None

    def any(self, key: str) -> Any:
        """The value of a key, of whatever kind."""
        self.asked.add(key)
        return self.data.get(key)

    def choice(self, key: str, allowed: Sequence[str]) -> str | None:
        """The text at a key, one of those allowed; None where there is none."""
        value: str | None = self.get(key, str)
        if value and value not in allowed:
            self.problem(key, f"found `{value}`{suggest(value, allowed)}")
            return None
        return value or None

    def number(self, key: str) -> int | None:
        """The whole number at a key, which may be written as text, as flyctl takes ports."""
        value = self.any(key)
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+", value):
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        number: int | None = self.get(key, int)
        return number

    def table(self, key: str) -> Table:
        """The table below a key, empty where there is none."""
        return Table(self.document, self.get(key, dict) or {}, (*self.path, key))

    def tables(self, *keys: str) -> list[Table]:
        """The tables of an array below a key, or the one that stands there without an array.

        Several keys are names of one thing, as flyctl takes them, the older ones first.
        """
        return [table for key in keys for table in self._tables(key)]

    def _tables(self, key: str) -> list[Table]:
        value = self.any(key)
        if isinstance(value, dict):
            return [Table(self.document, value, (*self.path, key))]
        return self.array(key)

    def array(self, key: str) -> list[Table]:
        """The tables of an array below a key, where flyctl takes no table in its stead."""
        items = self.get(key, list) or []
        if not all(isinstance(item, dict) for item in items):
            self.problem(key, "must be an array of tables, as `[[…]]` writes them")
        return [
            Table(self.document, item, (*self.path, key, number))
            for number, item in enumerate(items)
            if isinstance(item, dict)
        ]

    def words(self, key: str) -> list[str]:
        """The list of texts at a key, empty where there is none."""
        items = self.any(key)
        if items is None:
            return []
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.problem(key, f'found {quoted(items)}; must be a list of texts, such as `["a"]`')
            return []
        return items

    def command(self, key: str) -> list[str] | None:
        """The words of a command line, or None where there is none."""
        line = self.get(key, str)
        try:
            return shlex.split(line) if line else None
        except ValueError as error:
            self.problem(key, f"is no command line: {error}")
            return None

    def seconds(self, key: str, bare_s: float) -> float | None:
        """A duration; None where there is none or an empty text, as at flyctl.

        `bare_s`: what a bare number counts, in seconds.
        """
        value = self.any(key)
        if value is None or value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(int(value) * bare_s)
        try:
            return parse_duration(value)
        except ValueError as error:
            self.problem(key, str(error))
            return None

    def duration(self, key: str, bare_s: float) -> str | None:
        """A duration as `seconds` reads it, in the topology's words."""
        found = self.seconds(key, bare_s)
        return None if found is None else format_duration(found)

    def problem(self, key: str, message: str) -> None:
        """Tell a mistake of the user's at a key."""
        self.document.problems.append(self.document.told((*self.path, key), message))

    def note(self, key: str, message: str) -> None:
        """Tell that what a key says is not simulated; without a key, what the table says."""
        path = (*self.path, key) if key else self.path
        self.document.notes.append(self.document.told(path, message))

    def note_rest(self, reasons: Mapping[str, str]) -> None:
        """Note every key that nobody asked for: with its reason, if it has one of its own.

        One without may be a slip of the pen, which flyctl passes over in silence.
        """
        for key, value in self.data.items():
            if key not in self.asked and value not in ({}, []):
                self.note(key, reasons.get(key) or _unknown(key, self.asked.union(reasons)))


def _unknown(key: str, known: Iterable[str]) -> str:
    meant = difflib.get_close_matches(key, list(known), n=1, cutoff=0.8)
    return f"is not simulated; did you mean `{meant[0]}`?" if meant else "is not simulated"
