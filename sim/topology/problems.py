"""Pydantic's complaints as problems that people can act on: what was found, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sim.errors import Problem
from sim.suggestions import suggest
from sim.topology.units import quoted
from sim.topology.yaml_document import Document, FieldPath

# What these fields hold is never repeated in a message: it may be a secret.
_CONFIDENTIAL = frozenset({"env", "secrets", "url", "webhook"})

_ALLOWED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "`true` or `false`",
    "list_type": "a list, such as `[a, b]`",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


class Schema(BaseModel):
    """The base of what files may say: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def problems_of(error: ValidationError, schema: type[Schema], document: Document) -> list[Problem]:
    """Every error of a validation, with file, line and field, in the order of the file."""
    problems = [_problem(details, schema, document) for details in error.errors()]
    return sorted(problems, key=lambda problem: problem.line or 0)


def _problem(details: ErrorDetails, schema: type[Schema], document: Document) -> Problem:
    path = tuple(part for part in details["loc"] if part != "[key]")
    kind = details["type"]
    if kind == "extra_forbidden":
        known = _keys_at(schema, path[:-1])
        message = f"unknown key `{path[-1]}`{suggest(str(path[-1]), known)}"
        return document.unknown_key(message, *path)
    if kind == "missing":
        about = _description(schema, path)
        return document.problem(f"is missing{': ' + about if about else ''}", *path)
    if kind == "value_error":
        return document.problem(str(details["ctx"]["error"]), *path)
    return document.problem(_found(details, path) + _expected(details, schema, path), *path)


def _found(details: ErrorDetails, path: FieldPath) -> str:
    value = details["input"]
    if _CONFIDENTIAL.intersection(path) or isinstance(value, dict | list):
        if isinstance(value, dict):
            return "found a mapping; "
        return "found a list; " if isinstance(value, list) else "found another kind of value; "
    return f"found {quoted(value)}; "


def _expected(details: ErrorDetails, schema: type[Schema], path: FieldPath) -> str:
    kind, context = details["type"], details.get("ctx", {})
    about = _description(schema, path)
    if meant := _meant(kind, details["input"], path):
        return meant
    if kind in _ALLOWED:
        return f"must be {_ALLOWED[kind]}{': ' + about if about else ''}"
    if kind == "literal_error":
        words = str(context["expected"]).replace("'", "`")
        return f"allowed: {words}{_did_you_mean(details['input'], words)}"
    limits = {
        "greater_than": ">",
        "greater_than_equal": "≥",
        "less_than": "<",
        "less_than_equal": "≤",
    }
    if kind in limits:
        limit = next(iter(context.values()))
        return f"must be {limits[kind]} {limit:g}"
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        few = "at least" if kind == "too_short" else "at most"
        return f"must have {few} {bound} item{'s' if bound != 1 else ''}"
    return str(details["msg"])


def _meant(kind: str, text: object, path: FieldPath) -> str | None:
    """What to write instead of a text that says what is meant in another form, or None."""
    if not isinstance(text, str) or _CONFIDENTIAL.intersection(path):
        return None
    if kind == "list_type" and text.split():
        return f"must be a list: write `[{', '.join(text.split())}]`"
    if kind == "int_type" and text.isdecimal():
        return f"must be a whole number: write {text} without quotes"
    return None


def _did_you_mean(found: object, words: str) -> str:
    similar = difflib.get_close_matches(str(found), words.split("`")[1::2], n=1)
    return f"; did you mean `{similar[0]}`?" if similar else ""


def _keys_at(schema: type[Schema], path: Sequence[str | int]) -> list[str]:
    model = _type_at(schema, path)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def _description(schema: type[Schema], path: FieldPath) -> str:
    model = _type_at(schema, path[:-1])
    if not (path and isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    info = model.model_fields.get(str(path[-1]))
    return (info.description if info else None) or ""


def _type_at(schema: type[Schema], path: Sequence[str | int]) -> Any:
    """The annotation of the value at a path."""
    current: Any = schema
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            info = current.model_fields.get(str(part))
            current = info.annotation if info else _of_any_name(current)
        elif get_origin(current) in (dict, list):
            current = get_args(current)[-1]
        while get_origin(current) in (Union, UnionType) or hasattr(current, "__metadata__"):
            current = get_args(current)[0]
    return current


def _of_any_name(model: type[BaseModel]) -> Any:
    """What a model holds under names of the user's own, or None."""
    named = get_type_hints(model, include_extras=True).get("__pydantic_extra__")
    return get_args(named)[-1] if get_origin(named) is dict else None
