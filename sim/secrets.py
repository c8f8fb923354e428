"""Secrets: where their values come from, and how they are kept out of everything written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from sim.errors import InputError, Problem

MASK = "••••••"
_LEAST = 3  # characters: a shorter value says nothing, and logs are full of it
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
        lines = file.read_text(encoding="utf-8-sig").splitlines()
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


class Redactor:
    """Masks values in a text, also where JSON has escaped them."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms: list[str] = []
        self._many_lined: list[str] = []
        self.hide(values)

    def hide(self, values: Iterable[str]) -> None:
        """Mask these from now on as well."""
        values = [value for value in values if len(value) >= _LEAST]
        forms = {form for value in values for part in _parts(value) for form in _forms(part)}
        # Longest first, so that a secret which contains another is masked whole.
        self._forms = sorted(forms.union(self._forms), key=len, reverse=True)
        self._many_lined += [value for value in values if "\n" in value]

    def __call__(self, text: str) -> str:
        """The text with every value masked."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a value of many lines.

        What is written line by line keeps them back until it knows.
        """
        return max((_overlap(text, value) for value in self._many_lined), default=0)


def _overlap(text: str, value: str) -> int:
    lengths = range(min(len(text), len(value) - 1), 0, -1)
    return next((n for n in lengths if text.endswith(value[:n])), 0)


def redactor(values: Iterable[str]) -> Redactor:
    """What masks these values, but those of one or two characters."""
    return Redactor(values)


NO_SECRETS = Redactor(())
