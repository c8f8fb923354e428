"""The JSON Schema of a scenario: its keys, and an entry for each fault and each check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.clients.backoff import JITTERS
from sim.clients.load_spec import BUILT_IN_DRIVERS, PERSONALITIES
from sim.scenario.checks import CHECKS
from sim.scenario.checks.check_spec import WINDOW
from sim.scenario.faults import FAULTS, FaultSpec
from sim.scenario.load_scenario import KEYS
from sim.scenario.load_section import KEYS as OF_LOAD
from sim.scenario.load_section import MAX_CLIENTS
from sim.scenario.params import Param
from sim.scenario.targets import TARGETS
from sim.scenario.trigger_section import AFTER, EVENT, NTH, WHICH
from sim.schemas.driver_schema import driver_schema
from sim.topology.shapes import DURATION, SIZE, TEXT, Shape, either, shape_of

_COUNTED = {param.key: param for param in (NTH, AFTER)}


def scenario_schema() -> dict[str, Any]:
    """The schema of a whole file."""
    values: dict[str, Shape] = {
        "name": {"type": "string", "minLength": 1},
        "topology": {**TEXT, "description": "the path of a topology file, from this file's folder"},
        "load": _load(),
        "timeline": _timeline(),
        "duration": DURATION,
        "expect": _entries(
            "check",
            {word: _object(spec.summary, (*spec.params, *WINDOW)) for word, spec in CHECKS.items()},
        ),
    }
    return {**_closed(values, KEYS), "required": ["topology", "duration"]}


def _closed(values: dict[str, Shape], keys: Iterable[str]) -> dict[str, Any]:
    """A mapping of the keys that a loader knows, each with its value's shape."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: values[key] for key in keys},
    }


def _load() -> dict[str, Any]:
    names = [*BUILT_IN_DRIVERS]
    share: Shape = {"type": "number", "exclusiveMinimum": 0}
    resolvers: dict[str, Shape] = {**dict.fromkeys(PERSONALITIES, share)}
    shares = _closed(resolvers, resolvers) | {"minProperties": 1}
    backoff: dict[str, Shape] = {
        "base": DURATION,
        "max": DURATION,
        "fixed": DURATION,
        "jitter": {"enum": [*JITTERS]},
    }
    values: dict[str, Shape] = {
        "driver": either(
            {
                **TEXT,
                "pattern": rf"^({'|'.join(names)}|.+\.ya?ml|[\w.]+:\w+)$",
                "examples": names,
                "description": "built in, a YAML file, or package.module:Class",
            },
            driver_schema(),
        ),
        "clients": {"type": "integer", "minimum": 1, "maximum": MAX_CLIENTS},
        "every": DURATION,
        "payload": either({"type": "integer", "minimum": 1, "maximum": 1024 * 1024}, SIZE),
        "resolver": either({"enum": [*PERSONALITIES]}, shares),
        "timeout": DURATION,
        "backoff": _closed(backoff, backoff),
    }
    return _closed(values, OF_LOAD)


def _fault(spec: FaultSpec) -> dict[str, Any]:
    entry = _object(spec.summary, spec.params)
    targets: dict[str, Shape] = {kind: _of(TARGETS[kind]) for kind in spec.targets}
    entry["properties"] = {**entry["properties"], "at": DURATION, "when": {}, **targets}
    return entry


def _timeline() -> Shape:
    """Entries with `at` or `when`; of the latter the fault may stand under `then`."""
    entries = {word: _fault(spec) for word, spec in FAULTS.items()}
    listed = _entries("fault", entries)
    flat = listed["items"]
    due = {"anyOf": [{"required": ["at"]}, {"required": ["when"]}]}
    tied = {**_closed({"when": _when(), "then": flat}, ("when", "then")), "required": ["when"]}
    item = {
        "type": "object",
        "properties": {"when": _when()},
        "if": {"required": ["then"]},
        "then": tied,
        "else": {**flat, **due},
    }
    return {**listed, "items": item}


def _when() -> Shape:
    """An event, and the fields that it has."""
    cases = [
        {
            "if": {"properties": {"event": {"const": event}}},
            "then": _closed(
                {
                    "event": {},
                    **{key: _of(param.read) for key, param in {**which, **_COUNTED}.items()},
                },
                ("event", *which, *_COUNTED),
            ),
        }
        for event, which in WHICH.items()
    ]
    return {
        "type": "object",
        "required": ["event"],
        "properties": {"event": _of(EVENT.read)},
        "allOf": cases,
    }


def _object(summary: str, params: Iterable[Param]) -> dict[str, Any]:
    params = [*params]
    required = [param.key for param in params if param.required]
    return {
        "description": summary,
        "properties": {param.key: _of(param.read) for param in params},
        **({"required": required} if required else {}),
    }


def _of(reader: object) -> Shape:
    shape = shape_of(reader)
    if shape is None:
        raise TypeError(f"{reader} does not say what it takes (sim/topology/shapes.py)")
    return shape


def _entries(key: str, entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A list whose items are told apart by the word at `key`.

    Each word has its own keys, so that an editor offers those and no others.
    """
    cases = [
        {
            "if": {"properties": {key: {"const": word}}, "required": [key]},
            "then": {
                **entry,
                "properties": {key: {}, **entry["properties"]},
                "additionalProperties": False,
            },
        }
        for word, entry in entries.items()
    ]
    item = {
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": [*entries]}},
        "allOf": cases,
    }
    return {"type": ["array", "null"], "items": item}
