"""YAML files as plain data, with the line of every key and value kept for messages.

Scalars are read as YAML 1.2 and JSON have them: `no`, `on`, `12:30`, `0777` and `2026-01-01` are
text, not booleans, sexagesimals, octals or dates. Only plain tags are known, so nothing in a file
can construct an object; size, nesting and what aliases expand to are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from sim.errors import InputError, Problem
from sim.suggestions import similar_file

MAX_BYTES = 256 * 1024
MAX_DEPTH = 30
MAX_NODES = 20_000

FieldPath: TypeAlias = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Document:
    """A file's data: mappings with text keys, lists, text, numbers, booleans and None.

    `lines` has the line of each value, `key_lines` that of each mapping's key, counted from 1.
    """

    data: Any
    file: str | None = None
    lines: Mapping[FieldPath, int] = field(default_factory=dict)
    key_lines: Mapping[FieldPath, int] = field(default_factory=dict)

    def line(self, path: FieldPath) -> int | None:
        """The line of a field; where the file has it not, that of what should contain it."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            if part in self.lines:
                return self.lines[part]
        return None

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem of the field at that path."""
        return Problem(message, self.file, self.line(path), field_name(path) or None)

    def unknown_key(self, message: str, *path: str | int) -> Problem:
        """A problem of a key that should not be there."""
        line = self.key_lines.get(path) or self.line(path)
        return Problem(message, self.file, line, field_name(path) or None)


def field_name(path: FieldPath) -> str:
    """The path as people write it: `locations.london.subnets[0]`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def load_document(path: Path) -> Document:
    """The data of a YAML file. Raises InputError with every problem found."""
    return parse_document(_read(path), str(path))


def parse_document(text: str, file: str | None = None) -> Document:
    """The data of a YAML text. Raises InputError with every problem found."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise InputError(_syntax_problem(error, text, file)) from error
    except yaml.reader.ReaderError as error:
        message = f"has the character #x{error.character:04x}, which YAML text may not contain"
        line = text.count("\n", 0, error.position) + 1
        raise InputError(Problem(f"{message}; remove it", file, line)) from error
    if node is None:
        raise InputError(Problem("is empty; `sim init` writes a topology to start from", file))
    if not isinstance(node, yaml.MappingNode):
        message = "must be a mapping of keys to values, such as `app: my-gateway`"
        raise InputError(Problem(message, file, node.start_mark.line + 1))
    builder = _Builder(file)
    data = builder.build(node, (), 0)
    if builder.problems:
        raise InputError(*builder.problems)
    return Document(data, file, builder.lines, builder.key_lines)


def _read(path: Path) -> str:
    file = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            message = f"is larger than {MAX_BYTES // 1024} KiB, the most that is read"
            raise InputError(Problem(message, file))
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(Problem(f"there is no such file{similar_file(path)}", file)) from error
    except UnicodeDecodeError as error:
        raise InputError(Problem("is not text in UTF-8; save it as UTF-8", file)) from error
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", file)) from error


class _Loader(yaml.SafeLoader):
    """Composes nodes, without constructing anything from them."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol: a class-level table

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise yaml.composer.ComposerError(None, None, message, self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _name, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"-?(0|[1-9][0-9]{0,17})", list("-0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]{1,2})?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


class _Builder:
    """Turns nodes into data, noting lines and duplicate keys on the way."""

    def __init__(self, file: str | None) -> None:
        self.problems: list[Problem] = []
        self.lines: dict[FieldPath, int] = {}
        self.key_lines: dict[FieldPath, int] = {}
        self._file = file
        self._nodes = 0

    def build(self, node: yaml.Node, path: FieldPath, depth: int) -> Any:
        """The data of a node. Raises InputError where aliases make it unbounded."""
        line = node.start_mark.line + 1
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            message = (
                f"grows beyond {MAX_NODES} values or {MAX_DEPTH} levels; "
                "an alias (`*name`) refers to itself or to too much"
            )
            raise InputError(Problem(message, self._file, line, field_name(path) or None))
        self.lines[path] = line
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: FieldPath, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        own: dict[str, int] = {}
        # Merged keys (`<<: *base`) come first, so that the mapping's own override them.
        for key, value in sorted(node.value, key=lambda pair: pair[0].tag != _TAG + "merge"):
            line = key.start_mark.line + 1
            if key.tag == _TAG + "merge":
                merged = self.build(value, path, depth + 1)
                for base in reversed(merged if isinstance(merged, list) else [merged]):
                    data.update(base if isinstance(base, dict) else {})
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._report("a key must be text", line, path)
                continue
            name = key.value
            if name in own:
                message = f"`{name}` is here twice (first on line {own[name]}); remove one of them"
                self._report(message, line, (*path, name))
            own[name] = line
            data[name] = self.build(value, (*path, name), depth + 1)
            self.key_lines[*path, name] = line
            if not isinstance(value, yaml.ScalarNode):
                self.lines[*path, name] = line
        return data

    def _scalar(self, node: yaml.Node, path: FieldPath) -> Any:
        text = str(node.value)
        match node.tag.removeprefix(_TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int" | "float" as tag:
                try:
                    return int(text) if tag == "int" else float(text)
                except ValueError:
                    self._report(f"`{text}` is not a number", node.start_mark.line + 1, path)
                    return None
        message = f"the tag `{node.tag}` is not known; write plain text, numbers, lists, mappings"
        self._report(message, node.start_mark.line + 1, path)
        return None

    def _report(self, message: str, line: int, path: FieldPath) -> None:
        self.problems.append(Problem(message, self._file, line, field_name(path) or None))


_REMEDIES = (
    ("'\\t'", "indent with spaces; YAML allows no tabs there"),
    ("mapping values are not allowed", "check the indentation, or quote a value that contains `:`"),
    ("expected ',' or ']'", "close the list with `]` or put a `,` between its items"),
    ("expected ',' or '}', but got '['", "put a key that contains `[` in quotes"),
    ("expected ',' or '}'", "close the mapping with `}` or put a `,` between its entries"),
    ("quoted scalar", "close the quote"),
    ("could not find expected ':'", "put a `: ` after the key"),
    ("undefined alias", "define it with `&name` before it is used"),
    ("expected <block end>", "indent this line as the lines before it"),
    ("expected a single document", "leave one document in the file; remove the `---`"),
    ("cannot start any token", "put the value in quotes"),
    ("nested deeper", "no file of ours needs that; check the brackets"),
)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str | None) -> Problem:
    what = " ".join(part for part in (error.problem, error.context) if part)
    remedy = next(
        (remedy for sign, remedy in _REMEDIES if sign in what),
        "check the indentation and the quotes there",
    )
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(f"is not YAML: {what}; {remedy}", file)
    lines = text.splitlines()
    shown = f"\n    {lines[mark.line].strip()[:100]}" if mark.line < len(lines) else ""
    return Problem(f"is not YAML: {what}; {remedy}{shown}", file, mark.line + 1)
