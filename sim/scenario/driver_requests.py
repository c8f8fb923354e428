"""The HTTP requests of a declared client, and what it takes of their answers, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sim.clients.declaration import Request
from sim.clients.reply import Source
from sim.scenario.driver_heard import Listening
from sim.scenario.driver_said import Said
from sim.scenario.driver_words import IN_PYTHON, Words
from sim.suggestions import listed
from sim.topology.units import quoted

METHODS = ("get", "post", "put", "patch", "delete")
SENT = ("headers", "body", "expect")
ASKED = (*SENT, "capture")


class Requests:
    """Reads requests."""

    def __init__(self, words: Words, said: Said, heard: Listening) -> None:
        self._words = words
        self._said = said
        self._heard = heard

    def read(
        self, value: object, allowed: Iterable[str], *path: str | int, keys: Sequence[str] = ASKED
    ) -> Request | None:
        """A request, whose placeholders must all be known."""
        words = self._words
        data = words.mapping(value, *path)
        if data is None:
            return None
        methods = [method for method in METHODS if method in data]
        if len(methods) != 1:
            message = f"must have one of {listed(METHODS, 'or')}, with a path; {IN_PYTHON}"
            words.problem(message, *path)
            return None
        (method,) = methods
        words.unknown_keys(data, (method, *keys), *path)
        return Request(
            method=method.upper(),
            path=self._said.url_path(data[method], allowed, *path, method),
            headers=self._said.headers(data.get("headers", {}), allowed, *path, "headers"),
            body=self._said.template(data["body"], allowed, *path, "body")
            if "body" in data
            else None,
            expect=self._heard.status(data.get("expect"), *path, "expect"),
            capture=self._capture(data.get("capture", {}), *path, "capture"),
        )

    def _capture(self, value: object, *path: str | int) -> dict[str, Source]:
        """Where in an answer which values are; `session` names the session."""
        found = {}
        for name, where in (self._words.mapping(value, *path) or {}).items():
            if name != "session":
                self._heard.take(name, *path, name)
            source = self._source(where, *path, name)
            if source is not None:
                found[name] = source
        return found

    def _source(self, value: object, *path: str | int) -> Source | None:
        """Where in the answer to a request something is."""
        if isinstance(value, str) and value.startswith("$"):
            found = self._heard.json_path(value, *path)
            return Source(f"`{value}`", path=found) if found else None
        if isinstance(value, str):
            pattern = self._heard.pattern(value, *path)
            return Source(f"`{value}`", pattern=pattern) if pattern else None
        if isinstance(value, dict) and len(value) == 1:
            ((kind, name),) = value.items()
            if isinstance(name, str) and kind == "header":
                return Source(f"header `{name}`", header=name)
            if isinstance(name, str) and kind == "cookie":
                return Source(f"cookie `{name}`", cookie=name)
        means = "a path such as `$.ticket`, a pattern, `{header: NAME}` or `{cookie: NAME}`"
        self._words.problem(f"found {quoted(value)}; must be {means}", *path)
        return None


def is_request(value: Any) -> bool:
    """Whether a message is a request and nothing else."""
    return (
        isinstance(value, dict)
        and any(method in value for method in METHODS)
        and {*METHODS, *ASKED}.issuperset(value)
    )
