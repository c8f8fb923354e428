"""What all readers of a declared driver share: problems, plain values, and what can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sim.scenario.reading import Reading
from sim.suggestions import suggest
from sim.topology.units import quoted
from sim.topology.yaml_document import FieldPath

IN_PYTHON = "what YAML cannot say, a driver in Python can (docs/drivers.md)"


class Words:
    """Reads plain values of one declaration. What is wrong becomes a problem of `reading`.

    It also knows which values are taken from what the gateway says: placeholders may use them from
    there on.
    """

    def __init__(self, reading: Reading, path: FieldPath) -> None:
        self._reading = reading
        self._path = path
        self._taken: set[str] = set()
        self._places: dict[str, FieldPath] = {}
        self._used: set[str] = set()

    def problem(self, message: str, *path: str | int) -> None:
        """Note a problem of the field at that path."""
        self._reading.problem(message, *self._path, *path)

    def mapping(self, value: object, *path: str | int) -> dict[str, Any] | None:
        """The value, if it is a mapping."""
        return self._reading.mapping(value, (*self._path, *path))

    def unknown_keys(self, data: dict[str, Any], known: Sequence[str], *path: str | int) -> None:
        """Note every key that is not known."""
        self._reading.unknown_keys(data, known, (*self._path, *path))

    def list(self, value: object, like: str, *path: str | int) -> list[Any]:
        """The value, if it is a list; none where it is missing."""
        if value is None or isinstance(value, list):
            return value or []
        self.problem(f"found {quoted(value)}; must be a list of {like}", *path)
        return []

    def text(self, value: object, *path: str | int) -> str | None:
        """The value, if it is text."""
        if isinstance(value, str):
            return value
        self.problem(f"found {quoted(value)}; must be text", *path)
        return None

    def duration(self, data: dict[str, Any], key: str, default: float, *path: str | int) -> float:
        """Seconds above 0 under that key; the default where it is missing."""
        return self._reading.duration(data, key, (*self._path, *path), default) or default

    def switch(self, value: object, *path: str | int) -> bool:
        """The value, if it is true or false."""
        if isinstance(value, bool):
            return value
        self.problem(f"found {quoted(value)}; must be `true` or `false`", *path)
        return False

    # --- values that are taken, and used by placeholders ---

    def take(self, name: str, *path: str | int) -> None:
        """A value is taken from what the gateway says, and can be used from here on."""
        self._taken.add(name)
        self._places.setdefault(name, path)

    def use(self, name: str, known: Iterable[str], *path: str | int) -> None:
        """A placeholder names a value: one of those `known`, or one that is taken."""
        known = (*known, *sorted(self._taken))
        self._used.add(name)
        if name not in known:
            self.problem(f"unknown placeholder `{{{name}}}`{suggest(name, known)}", *path)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is taken in this block can be used in this block alone."""
        outside = set(self._taken)
        yield
        self._taken = outside

    def unused(self, known: Iterable[str]) -> None:
        """Note every value that is taken and used nowhere; it may mean one that is `known`."""
        for name, path in self._places.items():
            if name not in self._used:
                hint = suggest(name, (*known, *self._used))
                hint = hint if "did you mean" in hint else ""
                self.problem(f"`{name}` is taken here, and no placeholder uses it{hint}", *path)
