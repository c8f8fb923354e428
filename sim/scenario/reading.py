"""Reading a scenario's document: values looked up and checked, problems collected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.errors import Problem
from sim.scenario.params import Param
from sim.suggestions import suggest
from sim.topology.model import Topology
from sim.topology.units import parse_duration, quoted
from sim.topology.yaml_document import Document, FieldPath


class Reading:
    """One document being read. What is wrong becomes a problem and reads as None.

    `topology` is None where the topology's own file cannot be used; names are then taken as
    they are.
    """

    def __init__(self, document: Document, topology: Topology | None) -> None:
        self.document = document
        self.topology = topology
        self.problems: list[Problem] = []

    def problem(self, message: str, *path: str | int) -> None:
        """Note a problem of the field at that path."""
        self.problems.append(self.document.problem(message, *path))

    def unknown_keys(self, data: dict[str, Any], known: Sequence[str], path: FieldPath) -> None:
        """Note every key that is not known."""
        for key in data:
            if key not in known:
                message = f"unknown key `{key}`{suggest(key, known)}"
                self.problems.append(self.document.unknown_key(message, *path, key))

    def items(self, key: str) -> list[Any]:
        """The list of that name; none where it is missing."""
        value = self.document.data.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self.problem(f"found {quoted(value)}; must be a list, each item after `- `", key)
        return []

    def mapping(self, value: object, path: FieldPath) -> dict[str, Any] | None:
        """The value, if it is a mapping."""
        if isinstance(value, dict):
            return value
        self.problem(f"found {quoted(value)}; must be a mapping of keys to values", *path)
        return None

    def read(self, param: Param, value: object, path: FieldPath) -> Any:
        """The value of a parameter."""
        try:
            return param.read(value, self.topology)
        except ValueError as error:
            self.problem(str(error), *path, param.key)
            return None

    def duration(
        self, data: dict[str, Any], key: str, path: FieldPath, default: float | None = None
    ) -> float | None:
        """Seconds above 0 under that key; the default where the key is missing."""
        if key not in data:
            if default is None:
                self.problem("is missing; write a duration such as `30s`", *path, key)
            return default
        try:
            seconds = parse_duration(data[key])
        except ValueError as error:
            self.problem(str(error), *path, key)
            return default
        if seconds == 0:
            self.problem(f"found {quoted(data[key])}; must be more than 0s", *path, key)
            return default
        return seconds
