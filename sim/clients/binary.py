"""Bytes that a driver writes in hexadecimal: of messages to say, and of messages to recognise.

    10 varint[ 0004 4d515454 04 02 003c u16[{client}] ]      said: MQTT's CONNECT
    40 02 {sequence:u16}                                     recognised: its PUBACK
    82 .. {seq:u32}                                          `..` is any byte

`u16[…]` is the length of what is inside, then what is inside. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

FIXED: Mapping[str, tuple[int, bool]] = {
    "u8": (1, True),
    "u16": (2, True),
    "u32": (4, True),
    "u64": (8, True),
    "u16le": (2, False),
    "u32le": (4, False),
    "u64le": (8, False),
}
FORMS = (*FIXED, "varint")

_TOKEN = re.compile(
    r"\s+|(?P<octets>(?:[0-9A-Fa-f]{2})+)|(?P<any>\.\.)|(?P<close>\])"
    r"|(?P<measure>[a-z]\w*)\[|\{(?P<name>[A-Za-z_]\w*)(?::(?P<form>\w+))?\}"
)


@dataclass(frozen=True)
class Slot:
    """A value's place: a number in its form, or a text's own bytes in UTF-8 (no form)."""

    name: str
    form: str | None


@dataclass(frozen=True)
class Measured:
    """The length of some bytes in a form, then these bytes."""

    form: str
    inside: Bytes


@dataclass(frozen=True)
class Bytes:
    """What is said, in parts."""

    parts: tuple[bytes | Slot | Measured, ...]

    def fill(self, values: Mapping[str, object]) -> bytes:
        """The bytes, with the values in their places. Raises ValueError where one does not fit."""
        return b"".join(_part(part, values) for part in self.parts)

    @property
    def slots(self) -> Iterator[Slot]:
        """Every value's place."""
        for part in self.parts:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, Measured):
                yield from part.inside.slots


@dataclass(frozen=True)
class BytesPattern:
    """What is recognised at the beginning of a binary message, whatever comes after it."""

    pattern: re.Pattern[bytes]
    orders: Mapping[str, bool]

    def read(self, data: bytes) -> dict[str, int] | None:
        """The numbers at the named places, or None where the message is another."""
        found = self.pattern.match(data)
        if found is None:
            return None
        return {
            name: int.from_bytes(octets, "big" if self.orders[name] else "little")
            for name, octets in found.groupdict().items()
        }


_Token: TypeAlias = re.Match[str]


def parse_bytes(text: str) -> Bytes:
    """What is to be said. Raises ValueError with what is wrong."""
    tokens = _tokens(text)
    found = _bytes(tokens)
    if next(tokens, None) is not None:
        raise ValueError(f"found `{text}`; a `]` closes nothing")
    return found


def parse_pattern(text: str) -> BytesPattern:
    """What is to be recognised. Raises ValueError with what is wrong."""
    pattern, orders = b"", {}
    for token in _tokens(text):
        name, form = token["name"], token["form"]
        if token["measure"] or token["close"]:
            raise ValueError(f"found `{text}`; lengths are not measured in what comes: write `..`")
        if name in orders:
            raise ValueError(f"found `{text}`; `{{{name}}}` is there twice")
        if name:
            if form not in FIXED:
                message = f"`{{{name}}}` needs a width, such as `{{{name}:u16}}`"
                raise ValueError(f"found `{text}`; {message}")
            width, orders[name] = FIXED[form]
            pattern += b"(?P<%s>.{%d})" % (name.encode(), width)
        else:
            pattern += b"." if token["any"] else re.escape(bytes.fromhex(token["octets"]))
    if not pattern:
        raise ValueError("is empty; every message begins so")
    return BytesPattern(re.compile(pattern, re.DOTALL), orders)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            rest = text[at : at + 10]
            raise ValueError(f"found `{text}`; `{rest}` is no pair of hexadecimal digits")
        form = token["measure"] or token["form"]
        if form and form not in FORMS:
            raise ValueError(f"found `{text}`; unknown form `{form}`; allowed: {', '.join(FORMS)}")
        at = token.end()
        if not token[0].isspace():
            yield token


def _bytes(tokens: Iterator[_Token], inside: str | None = None) -> Bytes:
    parts: list[bytes | Slot | Measured] = []
    for token in tokens:
        if token["close"] and inside:
            return Bytes(tuple(parts))
        if token["close"] or token["any"]:
            raise ValueError(f"found `{token.string}`; `{token[0]}` stands for no byte to send")
        if token["measure"]:
            parts.append(Measured(token["measure"], _bytes(tokens, token["measure"])))
        elif token["name"]:
            parts.append(Slot(token["name"], token["form"]))
        else:
            parts.append(bytes.fromhex(token["octets"]))
    if inside:
        raise ValueError(f"the `]` of `{inside}[` is missing")
    return Bytes(tuple(parts))


def _part(part: bytes | Slot | Measured, values: Mapping[str, object]) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, Measured):
        inside = part.inside.fill(values)
        return _number(part.form, len(inside), f"the length in `{part.form}[`") + inside
    if part.name not in values:
        raise ValueError(f"`{{{part.name}}}` is used before the gateway gave its value")
    value = values[part.name]
    if part.form is None:
        return str(value).encode()
    return _number(part.form, value, f"`{{{part.name}:{part.form}}}`")


def _number(form: str, value: object, what: str) -> bytes:
    try:
        return _ENCODE[form](int(str(value)))
    except (ValueError, OverflowError):
        raise ValueError(f"{what} is {value!r}, which does not fit") from None


def _fixed(width: int, big: bool, value: int) -> bytes:
    return value.to_bytes(width, "big" if big else "little")


def _varint(value: int) -> bytes:
    """Seven bits to a byte, the lowest first: MQTT's, protobuf's and lib0's."""
    if value < 0:
        raise OverflowError(value)
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*octets, value))


_ENCODE: Mapping[str, Callable[[int], bytes]] = {
    **{form: partial(_fixed, *shape) for form, shape in FIXED.items()},
    "varint": _varint,
}
