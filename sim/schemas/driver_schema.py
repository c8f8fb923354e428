"""The JSON Schema of a driver in YAML: the keys that its readers know, and the forms of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from sim.clients.declaration import PayloadAs
from sim.scenario import driver_opening, driver_section, http_section
from sim.scenario.driver_heard import OF_ACK, OF_READY
from sim.scenario.driver_requests import ASKED, METHODS
from sim.topology.shapes import DURATION, SCALAR, TEXT, Shape, either

_PATH: Shape = {"type": "string", "pattern": r"^/[!-~]*$", "examples": ["/live?id={session}"]}
_HEADERS: Shape = {"type": "object", "additionalProperties": SCALAR}
_MESSAGE: Shape = {"type": ["string", "object", "array", "number", "boolean"]}
_STATUS: Shape = {"type": "integer", "minimum": 100, "maximum": 599}


def driver_schema() -> dict[str, Any]:
    """The schema of a whole file, or of a mapping under a scenario's `driver:`."""
    return {"type": "object", "if": {"required": ["http"]}, "then": _http(), "else": _declared()}


def _http() -> dict[str, Any]:
    methods = [method.upper() for method in (*METHODS, "head")]
    status = either(_STATUS, {"type": "string", "pattern": "^[1-5][xX][xX]$"})
    values: dict[str, Shape] = {
        "http": _PATH,
        "method": {"enum": [*methods, *map(str.lower, methods)]},
        "headers": _HEADERS,
        "body": _MESSAGE,
        "expect": either(status, {"type": "array", "items": status, "minItems": 1}),
    }
    return _closed(values, http_section.KEYS)


def _declared() -> dict[str, Any]:
    values: dict[str, Shape] = {
        **_opening(),
        "payload_as": {"enum": [*get_args(PayloadAs)]},
        "send": _MESSAGE,
        "ack": _reply(OF_ACK),
        "refused": _reply(OF_ACK),
        "goodbye": _reply(()),
        "answer": {
            "type": ["array", "null"],
            "items": _closed(
                {"match": _MESSAGE, "capture": {"type": "object"}, "send": _MESSAGE},
                ("match", "capture", "send"),
            ),
        },
        "resume": _or_nothing(
            _closed({**_opening(), "forgotten": _reply(())}, (*driver_opening.KEYS, "forgotten"))
        ),
        "stored": _or_nothing(
            _closed(
                {"get": _PATH, "headers": _HEADERS, "sequence": TEXT, "settles_within": DURATION},
                driver_section.OF_STORED,
            )
            | {"required": ["get", "sequence"]}
        ),
    }
    lines = [{"required": [line]} for line in driver_opening.LINES]
    return {**_closed(values, driver_section.KEYS), "required": ["send", "ack"], "anyOf": lines}


def _opening() -> dict[str, Shape]:
    poll = {"every": DURATION, "each": TEXT}
    return {
        "before": {"type": ["array", "null"], "items": _request(ASKED)},
        "websocket": _PATH,
        "events": _PATH,
        "poll": either(_PATH, _request((*ASKED, *poll), poll)),
        "headers": _HEADERS,
        "subprotocol": either(TEXT, {"type": "array", "items": TEXT}),
        "compression": {"type": "boolean"},
        "hello": either(
            {"type": ["null", "string", "object", "number", "boolean"]},
            {"type": "array", "items": either(*(_step(key) for key in ("send", "wait")))},
        ),
        "ready": _reply(OF_READY, takes=True),
    }


def _step(key: str) -> Shape:
    return _closed({key: _MESSAGE}, (key,)) | {"required": [key]}


def _or_nothing(shape: Shape) -> Shape:
    return either({"type": "null"}, shape)


def _reply(names: Iterable[str], *, takes: bool = False) -> Shape:
    """A pattern, a path, bytes, or a description of the message."""
    values: dict[str, Shape] = {
        "match": _MESSAGE,
        "event": TEXT,
        "status": _STATUS,
        "hex": TEXT,
        "base64": TEXT,
        **({"capture": {"type": "object"}} if takes else {}),
        **dict.fromkeys(names, TEXT),
    }
    return either({"type": ["string", "null"]}, _closed(values, values))


def _request(keys: Iterable[str], more: dict[str, Shape] | None = None) -> dict[str, Any]:
    values: dict[str, Shape] = {
        **dict.fromkeys(METHODS, _PATH),
        "headers": _HEADERS,
        "body": _MESSAGE,
        "expect": either(_STATUS, {"type": "null"}),
        "capture": {"type": "object"},
        **(more or {}),
    }
    one = [{"required": [method]} for method in METHODS]
    return {**_closed(values, (*METHODS, *keys)), "oneOf": one}


def _closed(values: dict[str, Shape], keys: Iterable[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: values[key] for key in keys},
    }
