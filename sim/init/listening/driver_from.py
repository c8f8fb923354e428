"""From a transcript to a YAML driver, for its user to correct."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from sim.init.listening.heard_greeting import Greeting, find_greeting
from sim.init.listening.heard_numbering import Numbering, Spoken, find_numbering
from sim.init.listening.leaves import (
    Place,
    json_path,
    keeps_alive,
    leaves,
    parsed,
    replaced,
    sendable,
    tags,
)
from sim.init.listening.socketio import socketio_driver
from sim.init.listening.transcript import Connection, Exchange, Transcript

_PAYLOADS = ("payload", "text", "body", "message", "msg", "content", "data", "value")


def driver_from(heard: Transcript) -> str | None:
    """The driver's text, or None where no WebSocket was spoken on by both sides."""
    conversed = [connection for connection in heard.connections if connection.conversed]
    if not conversed:
        return None
    first, *later = conversed
    if "EIO=" in first.path:
        return _written(socketio_driver(first), first, [])
    spoken = [(message.by, parsed(message)) for message in first.messages]
    numbering = find_numbering(spoken)
    if numbering is None:
        said = (
            "the client said nothing but pings or bytes; write `send` and `ack` (docs/drivers.md)"
        )
        return _written({"websocket": first.path, "send": "{payload}", "ack": "."}, first, [said])
    before, values = _before(heard.exchanges, first)
    greeting = find_greeting(spoken, numbering, first, later)
    values |= greeting.values
    driver: dict[str, Any] = {
        **({"before": before} if before else {}),
        "websocket": _filled(first.path, values),
        **({"subprotocol": first.subprotocol} if first.subprotocol else {}),
        **greeting.document(values),
        **_said(numbering, values),
        **_answers(spoken, numbering, values),
        **greeting.resumption(later, values),
    }
    return _written(driver, first, _doubts(numbering, greeting))


# --- what is asked before ---


def _before(exchanges: list[Exchange], first: Connection) -> tuple[list[Any], dict[str, str]]:
    """The requests whose answers hold a value that is said later, such as a ticket."""
    later = first.path + "\n".join(str(m.data) for m in first.messages if m.by == "client")
    requests: list[Any] = []
    values: dict[str, str] = {}
    for exchange in exchanges:
        capture = {}
        for place, value in _json_leaves(exchange.answer):
            if isinstance(value, str) and len(value) >= 6 and value in later and place:
                name = re.sub(r"\W", "_", str(place[-1]))
                capture[name] = json_path(place)
                values[value] = f"{{{name}}}"
        if capture and exchange.method in {"GET", "POST", "PUT"}:
            body = _json(exchange.body)
            requests.append(
                {
                    exchange.method.lower(): exchange.path,
                    **({"body": body} if exchange.body else {}),
                    "capture": capture,
                }
            )
    return requests, values


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json_leaves(text: str) -> list[tuple[Place, Any]]:
    value = _json(text)
    return list(leaves(value)) if isinstance(value, dict | list) else []


# --- what is said while the session stands ---


def _said(numbering: Numbering, values: Mapping[str, str]) -> dict[str, Any]:
    said, answered = numbering.said, numbering.answered
    if isinstance(said, str):
        return _said_in_text(said, answered)
    payload = _payload(numbering)

    def change(place: Place, value: Any) -> Any:
        if place == numbering.number:
            return "{seq:text}" if isinstance(value, str) else "{seq}"
        return "{payload}" if place == payload else _filled(value, values)

    return {"send": sendable(replaced(said, change)), "ack": _ack(numbering, answered)}


def _ack(numbering: Numbering, answered: Any) -> Any:
    if numbering.echoed is not None and not isinstance(answered, str):
        path = json_path(numbering.echoed)
        return {"match": found, "sequence": path} if (found := tags(answered)) else path
    if isinstance(answered, dict):
        return {"match": tags(answered) or {next(iter(answered)): answered[next(iter(answered))]}}
    return "." if answered is None or isinstance(answered, bytes) else _pattern(str(answered))


def _said_in_text(said: str, answered: Any) -> dict[str, Any]:
    """An echo is known by the number in it; of other text the words before a number are."""
    if answered == said:
        return {"send": "{seq} {payload}", "ack": "^(?P<sequence>[0-9]+) "}
    number = re.search(r"\d+", said)
    if isinstance(answered, str) and number and number[0] in re.findall(r"\d+", answered):
        begin, _, end = answered.partition(number[0])
        after = re.escape(end[:1]) if end else "$"
        send = said.replace(number[0], "{seq}", 1)
        return {"send": send, "ack": f"^{re.escape(begin)}(?P<sequence>[0-9]+){after}"}
    return {"send": said, "ack": _pattern(answered) if isinstance(answered, str) else "."}


def _pattern(text: str) -> str:
    """What a text of this kind begins with."""
    word = re.match(r"[^\d]{1,20}", text)
    return f"^{re.escape(word[0])}" if word else "."


def _payload(numbering: Numbering) -> Place | None:
    """The text in a message that is not what it is known by: by its name, else the longest."""
    known = {(key,) for key in tags(numbering.said)} | {numbering.number}
    texts = [(p, v) for p, v in leaves(numbering.said) if isinstance(v, str) and p not in known]
    named = [place for place, _ in texts if place and place[-1] in _PAYLOADS]
    longest = max(texts, key=lambda found: len(found[1]), default=None)
    return named[0] if named else (longest[0] if longest and len(longest[1]) > 3 else None)


def _answers(
    spoken: Sequence[Spoken], numbering: Numbering, values: Mapping[str, str]
) -> dict[str, Any]:
    """What the client says back to a ping of the protocol's own."""
    found = {}
    for (by, asked), (other, said) in pairwise(spoken):
        if (by, other) == ("gateway", "client") and keeps_alive(asked) and said != numbering.said:
            answer = _answer(asked, said, values)
            found[json.dumps(answer["match"])] = answer
    return {"answer": [*found.values()]} if found else {}


def _answer(asked: Any, said: Any, values: Mapping[str, str]) -> dict[str, Any]:
    """One of them; what it repeats of the ping is taken from there."""
    given = {str(v): p for p, v in leaves(asked) if not isinstance(v, bool) and v is not None}
    capture: dict[str, str] = {}

    def change(_: Place, value: Any) -> Any:
        where = given.get(str(value))
        if where and value not in tags(said).values():
            name = f"their_{where[-1]}"
            capture[name] = json_path(where)
            return f"{{{name}}}"
        return _filled(value, values)

    send = replaced(said, change)
    match = tags(asked) if isinstance(asked, dict) else _pattern(str(asked))
    return {"match": match, **({"capture": capture} if capture else {}), "send": send}


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """A text with the values of this session taken out."""
    if not isinstance(value, str):
        return values.get(str(value), value) if len(str(value)) >= 6 else value
    for text, placeholder in sorted(values.items(), key=lambda pair: -len(pair[0])):
        value = value.replace(text, placeholder)
    return value


# --- the file ---


def _doubts(numbering: Numbering, greeting: Greeting) -> list[str]:
    doubts = []
    if numbering.answered is None:
        doubts.append("nothing came back to a message: `ack` takes anything, which proves nothing")
    elif numbering.number is None and not isinstance(numbering.said, str):
        doubts.append("no value of a message comes back: acknowledgements are taken in order")
    if numbering.times == 1:
        doubts.append("one message was seen alone: say several, so that their number can be told")
    if greeting.session is None:
        doubts.append("no name of a session was seen: whether it is resumed will not be judged")
    return doubts


def _written(driver: Mapping[str, Any], first: Connection, doubts: list[str]) -> str:
    """The keys in their order, each in a line where it is short."""
    path, many = urlsplit(first.path).path, len(first.messages)
    lines = [
        f"# Written by `sim init --listen` from a session of {many} messages at {path}.",
        "# Correct what it took wrongly: docs/driver-keys.md has the keys,",
        "# `sim driver FILE --against URL` tries it on a gateway that runs.",
        *(f"# In doubt: {doubt}." for doubt in doubts),
    ]
    if secret := [
        n for n, _ in parse_qsl(urlsplit(str(driver["websocket"])).query) if "token" in n
    ]:
        lines.append(f"# In doubt: `{secret[0]}` of the path may end, or be one user's alone.")
    for key, value in driver.items():
        lines.append(_key(key, value))
    return "\n".join(lines) + "\n"


def _key(key: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return "\n".join([f"{key}:", *(f"  - {_flow(item)}" for item in value)])
    if key == "resume":
        return "\n".join([f"{key}:", *(f"  {_key(name, part)}" for name, part in value.items())])
    return f"{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")
