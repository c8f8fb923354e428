"""How to talk to a gateway, said in data: what a YAML driver says, as plain immutable values.

Three kinds of values carry it. A template is what the client says, with placeholders. A reply is
what it recognises in what the gateway says, and which values it takes from it. A path is where in
a JSON value something is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from sim.clients.jsonpath import JsonPath

PLACEHOLDERS = ("session", "client", "seq", "acked", "payload")
PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")

# What a placeholder stands for: `seq` and `acked` are numbers.
Values = Mapping[str, str | int]


class Heard:
    """One text message of the gateway; read as JSON at most once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def data(self) -> Any:
        """The message as JSON, or None where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """What a message of the gateway is recognised by, and where in it values are.

    Either `pattern` is found in its text, whose named groups are values, or it is JSON that has
    `fields` (the same values at the same names, whatever else is there) and something at every
    path of `paths`.
    """

    pattern: re.Pattern[str] | None = None
    fields: Any = None
    paths: Mapping[str, JsonPath] = field(default_factory=dict)

    def read(self, heard: Heard) -> Mapping[str, Any] | None:
        """The values of a message, or None where it is not this reply."""
        if self.pattern is not None:
            found = self.pattern.search(heard.text)
            if found is None:
                return None
            return {name: value for name, value in found.groupdict().items() if value is not None}
        if not _contains(heard.data, self.fields):
            return None
        values = {name: path.first(heard.data) for name, path in self.paths.items()}
        return None if None in values.values() else values

    @property
    def names(self) -> frozenset[str]:
        """The values that it gives."""
        return frozenset(self.pattern.groupindex if self.pattern else self.paths)


def _contains(data: Any, fields: Any) -> bool:
    if isinstance(fields, dict):
        return isinstance(data, dict) and all(
            name in data and _contains(data[name], value) for name, value in fields.items()
        )
    return fields is None or (type(data) is type(fields) and data == fields)


@dataclass(frozen=True)
class Opening:
    """How a connection is made and what is said first: for a new session, or for a known one.

    Without `ready` the session stands as soon as the WebSocket does.
    """

    websocket: str
    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocol: str | None = None
    hello: Any = None
    ready: Reply | None = None


@dataclass(frozen=True)
class Stored:
    """How to ask what is kept of a session: GET `path`, and where in the answer the numbers are."""

    path: str
    sequence: JsonPath
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Declaration:
    """A whole driver. `name` is for messages; `document` is what was written, as plain data."""

    name: str
    opening: Opening
    send: Any
    ack: Reply
    resume: Opening | None = None
    forgotten: Reply | None = None
    refused: Reply | None = None
    goodbye: Reply | None = None
    answers: tuple[tuple[Reply, Any], ...] = ()
    stored: Stored | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


def frame(template: Any, values: Values) -> str:
    """The text that a template makes: text as it stands, anything else as JSON."""
    filled = fill(template, values)
    if isinstance(template, str):
        return str(filled)
    return json.dumps(filled, ensure_ascii=False, separators=(",", ":"))


def fill(template: Any, values: Values) -> Any:
    """A template with its placeholders replaced; one that stands alone keeps being a number."""
    match template:
        case dict():
            return {name: fill(value, values) for name, value in template.items()}
        case list():
            return [fill(value, values) for value in template]
        case str():
            alone = PLACEHOLDER.fullmatch(template)
            if alone and alone[1] in values:
                return values[alone[1]]
            return PLACEHOLDER.sub(lambda m: str(values.get(m[1], m[0])), template)
    return template


def fill_path(template: str, values: Values) -> str:
    """A URL's path and query with its placeholders replaced, and what they stand for quoted."""
    return PLACEHOLDER.sub(
        lambda m: quote(str(values[m[1]]), safe="") if m[1] in values else m[0], template
    )
