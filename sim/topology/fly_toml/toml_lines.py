"""Where in a TOML file things are: tomllib says what a file holds, and not on which line."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A key's way through the file: names, and the number of a table in an array of them.
Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_NAME = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
# Comments and texts, whose insides are no TOML; those of several lines keep their line ends.
_INSIDES = re.compile(
    r"#[^\n]*|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}[\s\S]*?'{3}|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Path, int]:
    """The first line that sets each key or opens its table."""
    found: dict[Path, int] = {}
    arrays: dict[Path, int] = {}
    table: Path = ()
    for number, line in _statements(text):
        if header := _HEADER.match(line):
            *owners, last = _names(header[2])
            table = ()
            for name in owners:
                found.setdefault((*table, name), number)
                table = _newest(arrays, (*table, name))
            table = (*table, last)
            found.setdefault(table, number)
            if header[1] == "[[":
                arrays[table] = arrays.get(table, -1) + 1
                table = _newest(arrays, table)
                found[table] = number
        elif key := _KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
    return found


def _newest(arrays: dict[Path, int], table: Path) -> Path:
    """A table; of an array of tables the one that was opened last."""
    return (*table, arrays[table]) if table in arrays else table


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each line that begins a statement, with its number: not those inside a text or an array."""
    bare = _INSIDES.sub(lambda match: _bare(match[0]), text)
    depth = 0
    for number, (line, plain) in enumerate(zip(text.split("\n"), bare.split("\n"), strict=True), 1):
        if depth == 0 and plain.strip():
            yield number, line
        _, _, value = plain.partition("=")
        rest = value if depth == 0 else plain
        depth = max(0, depth + len(re.findall(r"[\[{]", rest)) - len(re.findall(r"[\]}]", rest)))


def _bare(inside: str) -> str:
    """What of a comment or a text is left: the quotes of a key, or the ends of its lines."""
    return "\n" * inside.count("\n") if "\n" in inside else ("" if inside[0] == "#" else "_")


def _names(dotted: str) -> list[str]:
    return [name.strip("\"'") for name in re.findall(_NAME, dotted)]
