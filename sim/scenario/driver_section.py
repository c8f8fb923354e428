"""A driver said in YAML, in a scenario or in a file of its own, read and checked.

docs/drivers.md has the vocabulary.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.clients.declaration import (
    PLACEHOLDER,
    PLACEHOLDERS,
    Declaration,
    Opening,
    Reply,
    Stored,
)
from sim.clients.jsonpath import JsonPath
from sim.errors import InputError
from sim.scenario.reading import Reading
from sim.topology.document import FieldPath, load_document, similar_file
from sim.topology.problems import suggest
from sim.topology.units import quoted

SUFFIXES = (".yaml", ".yml")

_OPENING = ("websocket", "headers", "subprotocol", "hello", "ready")
_KEYS = (*_OPENING, "send", "ack", "refused", "goodbye", "answer", "resume", "stored")
_RESUME = (*_OPENING, "forgotten")
_STORED = ("get", "headers", "sequence")

# The values that may be taken from a reply, the first being what a bare path means.
_OF_READY = ("session", "acked")
_OF_ACK = ("sequence", "up_to")
_OF_OTHERS = ("found",)

_AT_OPENING = tuple(name for name in PLACEHOLDERS if name != "seq")
_AT_STORED = ("session", "client")


def read_driver_file(
    reading: Reading, name: str, folder: Path, path: FieldPath
) -> Declaration | None:
    """The driver of a file, whose path is from the scenario's folder."""
    file = folder / name
    if not file.exists():
        reading.problem(f"there is no file `{file}`{similar_file(file)}", *path)
        return None
    try:
        own = Reading(load_document(file), reading.topology)
    except InputError as error:
        reading.problems += error.problems
        return None
    found = read_declaration(own, own.document.data, (), name)
    reading.problems += own.problems
    return found


def read_declaration(
    reading: Reading, data: Mapping[str, Any], path: FieldPath, name: str
) -> Declaration | None:
    """The driver of a mapping, with every problem that it has; None where it cannot be used."""
    return _Section(reading, path).declaration(dict(data), name)


class _Section:
    """One declaration being read."""

    def __init__(self, reading: Reading, path: FieldPath) -> None:
        self._reading = reading
        self._path = path

    def declaration(self, data: dict[str, Any], name: str) -> Declaration | None:
        known_problems = len(self._reading.problems)
        self._reading.unknown_keys(data, _KEYS, self._path)
        for key in ("websocket", "send", "ack"):
            if key not in data:
                self._problem("is missing; a driver needs `websocket`, `send` and `ack`", key)
        opening = self._opening(data, (), Opening(""))
        send = self._template(data.get("send"), PLACEHOLDERS, "send")
        ack = self._reply(data.get("ack"), _OF_ACK, "ack")
        resume, forgotten = self._resume(data.get("resume"), opening)
        declaration = Declaration(
            name=name,
            opening=opening,
            send=send,
            ack=ack or Reply(),
            resume=resume,
            forgotten=forgotten,
            refused=self._reply(data.get("refused"), _OF_ACK, "refused"),
            goodbye=self._reply(data.get("goodbye"), _OF_OTHERS, "goodbye"),
            answers=self._answers(data.get("answer")),
            stored=self._stored(data.get("stored")),
            document=copy.deepcopy(data),
        )
        return declaration if len(self._reading.problems) == known_problems else None

    def _problem(self, message: str, *path: str | int) -> None:
        self._reading.problem(message, *self._path, *path)

    def _mapping(self, value: object, *path: str | int) -> dict[str, Any] | None:
        return self._reading.mapping(value, (*self._path, *path))

    def _opening(self, data: dict[str, Any], path: FieldPath, default: Opening) -> Opening:
        """How to connect; what is left out is as in the default."""
        return Opening(
            websocket=self._url_path(data.get("websocket", default.websocket), *path, "websocket")
            if "websocket" in data
            else default.websocket,
            headers=self._headers(data["headers"], _AT_OPENING, *path, "headers")
            if "headers" in data
            else default.headers,
            subprotocol=self._text(data["subprotocol"], *path, "subprotocol")
            if "subprotocol" in data
            else default.subprotocol,
            hello=self._template(data["hello"], _AT_OPENING, *path, "hello")
            if "hello" in data
            else default.hello,
            ready=self._reply(data["ready"], _OF_READY, *path, "ready")
            if "ready" in data
            else default.ready,
        )

    def _resume(self, value: object, opening: Opening) -> tuple[Opening | None, Reply | None]:
        if value is None:
            return None, None
        data = self._mapping(value, "resume")
        if data is None:
            return None, None
        self._reading.unknown_keys(data, _RESUME, (*self._path, "resume"))
        forgotten = self._reply(data.get("forgotten"), _OF_OTHERS, "resume", "forgotten")
        resume = self._opening(data, ("resume",), opening)
        if forgotten and resume.ready is None:
            message = "needs `ready`: without it nobody listens for what comes instead"
            self._problem(message, "resume", "forgotten")
        return resume, forgotten

    def _answers(self, value: object) -> tuple[tuple[Reply, Any], ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            message = f"found {quoted(value)}; must be a list of `{{match: …, send: …}}`"
            self._problem(message, "answer")
            return ()
        found = []
        for i, item in enumerate(value):
            data = self._mapping(item, "answer", i)
            if data is None:
                continue
            self._reading.unknown_keys(data, ("match", "send"), (*self._path, "answer", i))
            reply = self._reply({"match": data.get("match")}, (), "answer", i)
            if "send" not in data:
                self._problem("is missing; write what is answered", "answer", i, "send")
            template = self._template(data.get("send"), _AT_OPENING, "answer", i, "send")
            if reply:
                found.append((reply, template))
        return tuple(found)

    def _stored(self, value: object) -> Stored | None:
        data = None if value is None else self._mapping(value, "stored")
        if data is None:
            return None
        self._reading.unknown_keys(data, _STORED, (*self._path, "stored"))
        for key in ("get", "sequence"):
            if key not in data:
                self._problem("is missing; `stored` needs `get` and `sequence`", "stored", key)
                return None
        path = self._url_path(data["get"], "stored", "get", allowed=_AT_STORED)
        sequence = self._json_path(data["sequence"], "stored", "sequence")
        headers = self._headers(data.get("headers", {}), _AT_STORED, "stored", "headers")
        return Stored(path, sequence, headers) if sequence else None

    # --- the kinds of values ---

    def _reply(self, value: object, names: tuple[str, ...], *path: str | int) -> Reply | None:
        """What a message is recognised by: a path, a pattern, or `match` and paths."""
        if value is None:
            return None
        if isinstance(value, str):
            if not value.startswith("$"):
                return self._pattern(value, names, *path)
            found = self._json_path(value, *path)
            return Reply(paths={names[0]: found}) if found else None
        data = self._mapping(value, *path)
        return None if data is None else self._described(data, names, *path)

    def _described(
        self, data: dict[str, Any], names: tuple[str, ...], *path: str | int
    ) -> Reply | None:
        """A reply that is written in full."""
        self._reading.unknown_keys(data, ("match", *_own(names)), (*self._path, *path))
        paths = {
            name: found
            for name in names
            if name in data and (found := self._json_path(data[name], *path, name))
        }
        match = data.get("match")
        if isinstance(match, str):
            if paths:
                message = (
                    "a pattern gives its values by named groups, such as `(?P<sequence>[0-9]+)`"
                )
                self._problem(message, *path, "match")
            return self._pattern(match, names, *path, "match")
        if match is not None and not isinstance(match, dict):
            message = (
                f"found {quoted(match)}; must be the fields that a JSON message has, or a pattern"
            )
            self._problem(message, *path, "match")
            return None
        if match is None and not paths:
            message = "is missing; write the fields that the message has, as `{type: ack}`"
            self._problem(message, *path, "match")
            return None
        return Reply(fields=match, paths=paths)

    def _pattern(self, value: str, names: tuple[str, ...], *path: str | int) -> Reply | None:
        try:
            pattern = re.compile(value)
        except re.error as error:
            message = f"found `{value}`; not a regular expression ({error}), nor a path from `$`"
            self._problem(message, *path)
            return None
        for name in pattern.groupindex:
            if name not in _own(names):
                self._problem(f"unknown group `{name}`{suggest(name, _own(names))}", *path)
        return Reply(pattern=pattern)

    def _json_path(self, value: object, *path: str | int) -> JsonPath | None:
        try:
            return JsonPath.parse(str(value))
        except ValueError as error:
            self._problem(str(error), *path)
            return None

    def _url_path(
        self, value: object, *path: str | int, allowed: tuple[str, ...] = _AT_OPENING
    ) -> str:
        if isinstance(value, str) and re.fullmatch(r"/[!-~]*", value):
            return str(self._template(value, allowed, *path))
        self._problem(f"found {quoted(value)}; write a path such as `/ws?id={{session}}`", *path)
        return "/"

    def _headers(self, value: object, allowed: tuple[str, ...], *path: str | int) -> dict[str, str]:
        data = self._mapping(value, *path) or {}
        return {
            name: self._text(self._template(text, allowed, *path, name), *path, name) or ""
            for name, text in data.items()
        }

    def _text(self, value: object, *path: str | int) -> str | None:
        if isinstance(value, str):
            return value
        self._problem(f"found {quoted(value)}; must be text", *path)
        return None

    def _template(self, value: Any, allowed: tuple[str, ...], *path: str | int) -> Any:
        """The template, whose placeholders must all be known."""
        match value:
            case dict():
                for name, part in value.items():
                    self._template(part, allowed, *path, name)
            case list():
                for i, part in enumerate(value):
                    self._template(part, allowed, *path, i)
            case str():
                for name in PLACEHOLDER.findall(value):
                    if name not in allowed:
                        hint = suggest(name, allowed)
                        self._problem(f"unknown placeholder `{{{name}}}`{hint}", *path)
        return value


def _own(names: tuple[str, ...]) -> tuple[str, ...]:
    """The values that can be named: `found` only stands for something being there."""
    return () if names == _OF_OTHERS else names
