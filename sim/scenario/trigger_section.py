"""Reads `when:` of a timeline's entry: which event its fault is tied to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sim.scenario.params import (
    Param,
    Reader,
    read_count,
    read_number,
    read_seconds,
    read_text,
)
from sim.scenario.reading import Reading
from sim.scenario.targets import TARGETS
from sim.scenario.trigger import EVENTS, Trigger, told_by
from sim.suggestions import listed, suggest
from sim.topology.model import Topology
from sim.topology.shapes import TEXT, shaped
from sim.topology.units import quoted
from sim.topology.yaml_document import FieldPath


@shaped({"type": "string", "enum": [*EVENTS]})
def _event(value: object, _: Topology | None) -> str:
    """One of the journal's events."""
    if isinstance(value, str) and value in EVENTS:
        return value
    raise ValueError(f"found {quoted(value)}{suggest(str(value), EVENTS)}")


@shaped(TEXT)
def _client(value: object, topology: Topology | None) -> str:
    """A client of the load: its location and its number, from 0 on."""
    match = re.fullmatch(r"(.+)/(0|[1-9]\d{0,5})", value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"found {quoted(value)}; must be a location and a number, as `london/0`")
    TARGETS["location"](match[1], topology)
    return match[0]


@shaped({"type": "boolean"})
def _flag(value: object, _: Topology | None) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"found {quoted(value)}; must be true or false")


_NAMES: Mapping[str, Reader] = {
    "client": _client,
    "location": TARGETS["location"],
    "region": TARGETS["region"],
    "machine": TARGETS["machine"],
}
_OF_TYPE: Mapping[type, Reader] = {str: read_text, int: read_count, bool: _flag}

EVENT = Param("event", "event", _event, required=True)
WHICH: Mapping[str, Mapping[str, Param]] = {
    event: {key: Param(key, key, _NAMES.get(key, _OF_TYPE[kind])) for key, kind in told.items()}
    for event, told in ((event, told_by(event)) for event in EVENTS)
}
NTH = Param("nth", "nth", read_number, default=1)
AFTER = Param("after", "after_s", read_seconds, default=0.0)


def read_trigger(reading: Reading, value: object, path: FieldPath) -> Trigger | None:
    """What `when` says, or None where it cannot be used."""
    data = reading.mapping(value, path)
    if data is None:
        return None
    if "event" not in data:
        reading.problem(f"is missing; write one of {listed(EVENTS, 'or')}", *path, "event")
        return None
    event = reading.read(EVENT, data["event"], path)
    if event is None:
        return None
    params = (*WHICH[event].values(), NTH, AFTER)
    reading.unknown_keys(data, ("event", *(param.key for param in params)), path)
    found = {
        param.name: reading.read(param, data[param.key], path)
        for param in params
        if param.key in data
    }
    nth, after_s = found.pop("nth", NTH.default), found.pop("after_s", AFTER.default)
    if None in (*found.values(), nth, after_s):
        return None
    return Trigger(event, found, nth, after_s)
