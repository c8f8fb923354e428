"""The errors that reach a user, by who has to act on them.

Each carries the process's exit code (FORMATS: 2 unusable input, 3 something is missing here).
Anything else that escapes is a defect of the simulator, and shows its traceback (code 70).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class SimError(Exception):
    """Something went wrong that a person can act on: the message says what to do."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it is, what was found, what is allowed."""

    message: str
    file: str | None = None
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (where, self.field, self.message) if part)


class InputError(SimError):
    """The user's input cannot be used. Carries every problem of the input at once."""

    exit_code = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p) for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class EnvironmentLacksError(SimError):
    """This machine lacks something the run needs; `remedy` says how to provide it."""

    exit_code = 3

    def __init__(self, lack: str, remedy: str) -> None:
        self.lack = lack
        self.remedy = remedy
        super().__init__(f"{lack}\n  remedy: {remedy}")


class StartError(SimError):
    """A part of the world did not come up; the message carries its last output."""

    exit_code = 3


@contextmanager
def single_error() -> Iterator[None]:
    """Raise a task group's first SimError by itself: its siblings were only cancelled for it."""
    try:
        yield
    except BaseExceptionGroup as group:
        found: BaseException | None = group.subgroup(SimError)
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        if found is None:
            raise
        raise found from None
