"""The values in a message, by their places, and what kind of message it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from sim.init.listening.transcript import Message
from sim.scenario.driver_said import DIRECTIVES

Place: TypeAlias = tuple[str | int, ...]

# Keys whose value says what kind of message it is.
_TAGS = frozenset(
    {"type", "op", "event", "action", "kind", "cmd", "command", "method", "t", "topic"}
)
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_PING = re.compile(r"(?i)ping|pong|heart_?beat|keep_?alive")


def parsed(message: Message) -> Any:
    """The JSON of a message, else its text; bytes stay what they are."""
    if isinstance(message.data, bytes):
        return message.data
    try:
        return json.loads(message.data)
    except ValueError:
        return message.data


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Each value that is no mapping and no list, with its place."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*place, str(key)))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, (*place, number))
    else:
        yield place, value


def tags(value: Any) -> dict[str, Any]:
    """The fields by which a message of its kind is known."""
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if k in _TAGS and isinstance(v, str) and len(v) < 40}


def kind(value: Any) -> tuple[object, ...]:
    """What messages of one kind have in common: their fields, or a text without its numbers."""
    if isinstance(value, bytes):
        return ("bytes",)
    if isinstance(value, dict):
        return (*sorted(map(str, value)), *sorted(tags(value).items()))
    if isinstance(value, str):
        return (re.sub(r"\d+", "0", value)[:12],)
    return (type(value).__name__,)


def keeps_alive(value: Any) -> bool:
    """Whether it is a ping or a pong of the protocol's own."""
    said = tags(value).values() if isinstance(value, dict) else [value]
    return any(isinstance(word, str) and _PING.search(word) and len(word) < 40 for word in said)


def json_path(place: Place) -> str:
    """A place as drivers write it: `$.a.b[0]`."""
    parts = []
    for part in place:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        else:
            parts.append(f".{part}" if _PLAIN.fullmatch(part) else f"['{part}']")
    return "$" + "".join(parts)


def replaced(value: Any, change: Callable[[Place, Any], Any], place: Place = ()) -> Any:
    """The same message with each leaf as `change` has it."""
    if isinstance(value, dict):
        return {k: replaced(part, change, (*place, str(k))) for k, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, change, (*place, i)) for i, part in enumerate(value)]
    return change(place, value)


def same(one: object, other: object) -> bool:
    """Whether two leaves are one value, which may be a number here and text there."""
    return not isinstance(one, bool) and one not in ("", None) and str(one) == str(other)


def sendable(message: Any) -> Any:
    """A message as drivers write it: what would be read as one of their own forms is JSON."""
    own_form = isinstance(message, dict) and DIRECTIVES.issuperset(message)
    return {"json": message} if own_form or isinstance(message, list) else message
