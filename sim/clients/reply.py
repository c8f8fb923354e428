"""What a declared client recognises in what the gateway says, and which values it takes from it.

Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sim.clients.binary import BytesPattern
from sim.clients.jsonpath import JsonPath
from sim.clients.template import Value

_LONGEST_SHOWN = 200


class Heard:
    """One message of the gateway; read as JSON at most once.

    A binary message that is text in UTF-8 is read as text too: many gateways send JSON so. `event`
    is the name of a Server-Sent Event; the answer to a request has its `status`, and the number of
    the message that the request carried.
    """

    def __init__(
        self,
        said: str | bytes,
        *,
        event: str | None = None,
        status: int | None = None,
        seq: int | None = None,
    ) -> None:
        self.said = said
        self.event = event
        self.status = status
        self.seq = seq

    @classmethod
    def of(cls, data: Any) -> Heard:
        """A message that is part of a JSON value."""
        return cls(json.dumps(data, ensure_ascii=False))

    def __str__(self) -> str:
        """The message, for a person."""
        said = self.said if self.text is None else self.text
        shown = said if isinstance(said, str) else said.hex(" ")
        shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
        return shown if self.status is None else f"status {self.status}: {shown}"

    @cached_property
    def text(self) -> str | None:
        """The message as text, or None where it is none."""
        if isinstance(self.said, str):
            return self.said
        try:
            return self.said.decode()
        except UnicodeDecodeError:
            return None

    @cached_property
    def data(self) -> Any:
        """The message as JSON, or None where it is none."""
        try:
            return json.loads(self.text or "")
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """What a message of the gateway is recognised by, and where in it values are.

    Either `pattern` is found in its text, whose named groups are values; or it is binary and begins
    as `octets` has it; or it is JSON that has `fields` (the same values at the same names, whatever
    else is there) and something at every path of `paths`. One with an `event` is a Server-Sent
    Event of that name, one with a `status` the answer to a request. `written` is for messages.
    """

    pattern: re.Pattern[str] | None = None
    octets: BytesPattern | None = None
    fields: Any = None
    paths: Mapping[str, JsonPath] = field(default_factory=dict)
    event: str | None = None
    status: int | None = None
    written: str = ""

    def read(self, heard: Heard) -> Mapping[str, Any] | None:
        """The values of a message, or None where it is not this reply."""
        if self.event not in {None, heard.event} or self.status not in {None, heard.status}:
            return None
        if self.octets is not None:
            return self.octets.read(heard.said) if isinstance(heard.said, bytes) else None
        if self.pattern is not None:
            found = self.pattern.search(heard.text) if heard.text is not None else None
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
        if self.octets is not None:
            return frozenset(self.octets.orders)
        return frozenset(self.pattern.groupindex if self.pattern else self.paths)


@dataclass(frozen=True)
class Source:
    """Where in the answer to a request a value is. `written` is for messages."""

    written: str
    path: JsonPath | None = None
    pattern: re.Pattern[str] | None = None
    header: str | None = None
    cookie: str | None = None

    def find(
        self, body: Heard, headers: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Value | None:
        """The value, or None where the answer has none."""
        if self.header is not None:
            return headers.get(self.header)
        if self.cookie is not None:
            return cookies.get(self.cookie)
        if self.path is not None:
            value = self.path.first(body.data)
            return None if value is None else plain(value)
        found = self.pattern.search(body.text or "") if self.pattern else None
        return (found[1] if found.re.groups else found[0]) if found else None


def plain(value: Any) -> Value:
    """A value of a message as a placeholder can stand for it: an object as JSON text."""
    if isinstance(value, str | int | float):
        return value
    return json.dumps(value)


def _contains(data: Any, fields: Any) -> bool:
    if isinstance(fields, dict):
        return isinstance(data, dict) and all(
            name in data and _contains(data[name], value) for name, value in fields.items()
        )
    return fields is None or (type(data) is type(fields) and data == fields)
