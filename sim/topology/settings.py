"""Values put in place of what a topology file says: `routing.ttl`, `gateway.checks[0].interval`.

Keys are written as problems name them (`yaml_document.field_name`). What was put in is read and
checked with the rest of the file.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sim.errors import InputError, Problem
from sim.topology.units import quoted
from sim.topology.yaml_document import Document, FieldPath, parse_document

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})

PATTERN = r"^[^.\[\]\s=]+(\[[0-9]{1,4}\])*(\.[^.\[\]\s=]+(\[[0-9]{1,4}\])*)*$"


def path_of(key: str) -> FieldPath:
    """The path that a key stands for. Raises ValueError for what is none."""
    if not re.fullmatch(PATTERN, key):
        raise ValueError(
            f"found {quoted(key)}; write a topology's key, such as `routing.ttl` or"
            " `gateway.checks[0].interval`"
        )
    parts = re.findall(r"\[([0-9]+)\]|([^.\[\]]+)", key)
    return tuple(int(index) if index else name for index, name in parts)


def setting_of(text: str) -> tuple[str, Any]:
    """The key and the value of `KEY=VALUE`, the value as YAML has it. Raises InputError."""
    key, equals, value = text.partition("=")
    try:
        path_of(key)
    except ValueError as error:
        raise InputError(Problem(str(error), field="--set")) from None
    if not equals:
        raise InputError(Problem(f"`{key}` has no value; write `{key}=VALUE`", field="--set"))
    return key, parse_document(f"value: {value}", f"--set {key}").data["value"]


def with_settings(document: Document, settings: Mapping[str, Any]) -> Document:
    """The document with other values. Raises InputError with every key that leads nowhere."""
    data, lines, problems = copy.deepcopy(document.data), dict(document.lines), []
    for key, value in settings.items():
        path = path_of(key)
        if why := _put(data, path, copy.deepcopy(value)):
            problems.append(document.problem(f"cannot be set: {why}", *path))
        # What the file says there is not what a problem is about: its owner's line is told.
        lines = {place: line for place, line in lines.items() if place[: len(path)] != path}
    if problems:
        raise InputError(*problems)
    return replace(document, data=data, lines=lines)


def _put(data: Any, path: FieldPath, value: Any) -> str | None:
    """Put a value at its place, in mappings that are made where there are none; or why it cannot.

    Lists are not made longer: what an item of a list is besides the value, nobody has said.
    """
    owner = data
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(part, int):
            if not isinstance(owner, list) or part >= len(owner):
                return f"the file has no item [{part}] there; write the list into it first"
        elif not isinstance(owner, dict):
            return f"what the file has above `{part}` is no mapping"
        elif not last and owner.get(part) is None:
            owner[part] = {}
        if last:
            owner[part] = value
        else:
            owner = owner[part]
    return None
