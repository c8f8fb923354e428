"""What a declared client says: templates of text, JSON and bytes, filled with values.

A placeholder is `{name}`. Alone in JSON it keeps being the number that it stands for, unless it is
written `{name:text}`; in bytes a number needs a form (binary.py has them). Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from sim.clients.binary import Bytes

PLACEHOLDERS = ("session", "client", "seq", "acked", "payload")
PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)(?::(\w+))?\}")

Value: TypeAlias = str | int | float | bool
Values: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True)
class Text:
    """Text as it stands, in a text message."""

    text: str

    def frame(self, values: Values) -> str:
        """The message."""
        return fill_text(self.text, values)


@dataclass(frozen=True)
class Json:
    """A JSON value, in a text message."""

    data: Any

    def frame(self, values: Values) -> str:
        """The message, without spaces."""
        return json.dumps(_fill(self.data, values), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Hex:
    """Bytes written in hexadecimal, in a binary message."""

    written: Bytes

    def frame(self, values: Values) -> bytes:
        """The message. Raises ValueError where a number does not fit its place."""
        return self.written.fill(values)


@dataclass(frozen=True)
class Base64:
    """Bytes written in base64, in a binary message."""

    text: str

    def frame(self, values: Values) -> bytes:
        """The message. Raises ValueError where it is no base64 with the values in it."""
        return decode_base64(fill_text(self.text, values))


Template: TypeAlias = Text | Json | Hex | Base64


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text. Raises ValueError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"`{text}` is no base64: {error}") from error


def fill_text(text: str, values: Values) -> str:
    """A text with its placeholders replaced. Raises ValueError for one that has no value yet."""
    return PLACEHOLDER.sub(lambda m: words(_value(m[1], values)), text)


def fill_path(text: str, values: Values) -> str:
    """A URL's path and query with its placeholders replaced, and what they stand for quoted.

    Raises ValueError for one that has no value yet.
    """
    return PLACEHOLDER.sub(lambda m: quote(words(_value(m[1], values)), safe=""), text)


def words(value: Value) -> str:
    """A value inside a text: as JSON has it, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _value(name: str, values: Values) -> Value:
    if name not in values:  # known by name, since the declaration was read, but not taken so far
        raise ValueError(f"`{{{name}}}` is used before the gateway gave its value")
    return values[name]


def _fill(template: Any, values: Values) -> Any:
    match template:
        case dict():
            return {name: _fill(value, values) for name, value in template.items()}
        case list():
            return [_fill(value, values) for value in template]
        case str():
            alone = PLACEHOLDER.fullmatch(template)
            if alone and alone[2] is None:
                return _value(alone[1], values)
            return fill_text(template, values)
    return template
