"""The scripts of a page: ES modules, brought into one text that loads nothing.

A module says at its top what it imports (`import { a, b as c } from "./x.js";`) and exports names
(`export { a, b as c };`, or `export const a = …`): other forms are refused. A page is one file, or
named by one hash, so its modules stand in it one after another, each in a function of its own, the
imported ones first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export \{([^}]*)\};\n?", re.MULTILINE)
_EXPORT_CONST = re.compile(r"^export (const (\w+) =)", re.MULTILINE)
_OTHER = re.compile(r"^(import|export)\b.*", re.MULTILINE)


def bundle(package: str, entry: str) -> str:
    """The script of a page whose last module is `entry`, among the assets of a package.

    Raises ValueError for a form that is not one of those above, and where modules import each
    other in a circle.
    """
    path = Path(str(files(package))) / "assets" / entry
    texts = [_as_function(module, number) for module, number in _numbered(path).items()]
    return "\n".join(('(() => {\n"use strict";', *texts, "})();"))


def _numbered(entry: Path) -> dict[tuple[Path, tuple[str, ...]], int]:
    """Every module that is needed, after those that it imports, with its number."""
    order = list(_in_order(entry, ()))
    numbers = {path: number for number, path in enumerate(dict.fromkeys(order))}
    return {
        (path, tuple(f"m{numbers[other]}" for other in _imported(path))): number
        for path, number in numbers.items()
    }


def _in_order(path: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    if path in above:
        circle = " → ".join(one.name for one in (*above, path))
        raise ValueError(f"modules import each other in a circle: {circle}")
    for other in _imported(path):
        yield from _in_order(other, (*above, path))
    yield path


def _imported(path: Path) -> list[Path]:
    text = path.read_text(encoding="utf-8")
    return [(path.parent / found[2]).resolve() for found in _IMPORT.finditer(text)]


def _as_function(module: tuple[Path, tuple[str, ...]], number: int) -> str:
    """A module as a function that gives what it exports, under the name `m` and its number."""
    path, others = module
    text, names = path.read_text(encoding="utf-8"), iter(others)
    text = _IMPORT.sub(lambda found: f"const {{{_renamed(found[1])}}} = {next(names)};\n", text)
    exported = [name for _, name in _EXPORT_CONST.findall(text)]
    exported += [_exported(name) for found in _EXPORT.findall(text) for name in found.split(",")]
    text = _EXPORT_CONST.sub(r"\1", _EXPORT.sub("", text))
    if other := _OTHER.search(text):
        raise ValueError(f"{path.name}: `{other[0]}` is a form that sim/page/modules.py refuses")
    return f"const m{number} = (() => {{\n{text}return {{ {', '.join(exported)} }};\n}})();"


def _renamed(names: str) -> str:
    """Imported names as a pattern: `a as b` is `a: b` there."""
    return re.sub(r"(\w+) as (\w+)", r"\1: \2", names)


def _exported(name: str) -> str:
    """A name of an export as a property: `a as b` is `b: a` there."""
    return re.sub(r"(\w+) as (\w+)", r"\2: \1", name.strip())
