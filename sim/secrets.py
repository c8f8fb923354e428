"""Secrets: where their values come from, and how they are kept out of everything written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sim.errors import InputError, Problem

MASK = "••••••"
_TELLING = 8  # characters: a shorter line of a longer secret says nothing, and is everywhere


def load_secrets(names: Iterable[str], file: Path | None = None) -> dict[str, str]:
    """The values of these secrets: from `file` (NAME=value lines), else from the environment.

    Raises InputError that names every secret without a value.
    """
    given: Mapping[str, str] = {**os.environ, **(_read(file) if file else {})}
    missing = [name for name in names if not given.get(name)]
    if missing:
        raise InputError(
            *(
                Problem(
                    f"secret {name} has no value: set it in the environment, or give a file"
                    " with a line NAME=value by --secrets FILE",
                    field="gateway.secrets",
                )
                for name in missing
            )
        )
    return {name: given[name] for name in names}


def _read(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"cannot be read: {error}", file=str(file))) from error
    found = {}
    problems = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            problems.append(Problem("not a line NAME=value", file=str(file), line=number))
        found[name.strip()] = value.strip().strip("\"'")
    if problems:
        raise InputError(*problems)
    return found


def _parts(value: str) -> list[str]:
    """A value, and the lines of one that has several (a key in PEM): logs are written by lines."""
    lines = [line.strip() for line in value.splitlines()]
    return [value, *(line for line in lines if len(line) >= _TELLING)]


def _forms(value: str) -> tuple[str, ...]:
    """A text as it is, and as JSON may write it."""
    return (value, *(json.dumps(value, ensure_ascii=escape)[1:-1] for escape in (True, False)))


def redactor(values: Iterable[str]) -> Callable[[str], str]:
    """A function that masks these values in a text, also where JSON has escaped them."""
    parts = {part for value in values if value for part in _parts(value)}
    forms = {form for part in parts for form in _forms(part)}
    # Longest first, so that a secret which contains another is masked whole.
    ordered = sorted(forms, key=len, reverse=True)

    def redact(text: str) -> str:
        for form in ordered:
            text = text.replace(form, MASK)
        return text

    return redact
