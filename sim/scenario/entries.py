"""The entries of a scenario file: what is done when (`timeline`), and what must hold (`expect`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sim.scenario.checks import CHECKS, CheckSpec
from sim.scenario.checks.check_spec import WINDOW
from sim.scenario.faults import FAULTS, FaultSpec
from sim.scenario.model import Expectation, Target, TimelineEntry
from sim.scenario.params import Param, read_seconds
from sim.scenario.reading import Reading
from sim.scenario.targets import TARGETS, target_wanted
from sim.scenario.trigger_section import read_trigger
from sim.suggestions import listed, suggest
from sim.topology.units import format_duration
from sim.topology.yaml_document import FieldPath

_AT = Param("at", "at_s", read_seconds)
_TIED = ("when", "then")

Spec = TypeVar("Spec", FaultSpec, CheckSpec)


def read_timeline(reading: Reading, duration_s: float | None) -> tuple[TimelineEntry, ...]:
    """The faults in the order of time; those of one instant in the order of the file."""
    entries = []
    items = reading.items("timeline")
    scaled = any(isinstance(item, dict) and item.get("fault") == "scale" for item in items)
    for i, item in enumerate(items):
        path: FieldPath = ("timeline", i)
        if entry := _entry(reading, item, path):
            entries.append(entry)
            if duration_s is not None and not entry.when and entry.at_s >= duration_s:
                end = format_duration(duration_s)
                reading.problem(f"must be before the end of the run, {end}", *path, "at")
            if not scaled:
                _machine_exists(reading, entry, path)
    return tuple(sorted(entries, key=lambda entry: entry.at_s))


def read_expectations(reading: Reading, duration_s: float | None) -> tuple[Expectation, ...]:
    """The expectations in the order of the file."""
    expectations = []
    for i, item in enumerate(reading.items("expect")):
        path: FieldPath = ("expect", i)
        if expectation := _expectation(reading, item, path):
            expectations.append(expectation)
            if duration_s is not None:
                _window(reading, expectation, duration_s, path)
    return tuple(expectations)


def _entry(reading: Reading, item: object, path: FieldPath) -> TimelineEntry | None:
    data = reading.mapping(item, path)
    if data is None:
        return None
    tied, when = data.get("when"), None
    if "when" in data:
        when = read_trigger(reading, tied, (*path, "when"))
    if "then" in data:
        reading.unknown_keys(data, _TIED, path)
        if "when" not in data:
            reading.problem("is missing; `then` is done when something happens", *path, "when")
        path = (*path, "then")
        data = reading.mapping(data["then"], path)
    spec = data and _spec(reading, data, "fault", FAULTS, path)
    if not data or not spec:
        return None
    target = _target(reading, data, spec, path)
    params = _params(reading, data, spec, (_AT, *spec.params), path)
    if tied is not None and "at" in data:
        reading.problem("has `when` beside it; leave one of them", *path, "at")
    elif tied is None and "at" not in data:
        message = f"is missing; `{spec.name}` needs it, or `when`"
        reading.problem(message, *path, "at")
    at_s = params.pop(_AT.name, math.inf if when else 0.0)
    if "towards" in params:
        _direction(reading, target, params, path)
    return TimelineEntry(at_s, spec.name, target, params, when)


def _target(
    reading: Reading, data: dict[str, Any], spec: FaultSpec, path: FieldPath
) -> Target | None:
    given = [kind for kind in TARGETS if kind in data]
    if len(given) > 1:
        message = f"has {len(given)} targets, {listed(given)}; leave one and add an entry for each"
        reading.problem(message, *path)
    elif not given and not spec.target_optional:
        reading.problem(f"`{spec.name}` has no target; write {target_wanted(spec.targets)}", *path)
    elif given and given[0] not in spec.targets:
        message = f"`{spec.name}` is not done to a {given[0]}; write {target_wanted(spec.targets)}"
        reading.problem(message, *path, given[0])
    elif given:
        kind = given[0]
        value = reading.read(Param(kind, kind, TARGETS[kind]), data[kind], path)
        return None if value is None else Target(kind, value)
    return None


def _direction(
    reading: Reading, target: Target | None, params: Mapping[str, Any], path: FieldPath
) -> None:
    towards = params["towards"]
    if target and target.kind == "link" and towards not in target.value:
        ends = listed(target.value, "or")
        reading.problem(f"found `{towards}`; must be an end of the link: {ends}", *path, "towards")
    if (mode := params.get("mode")) not in (None, "silent"):
        message = f"a partition that is {mode} has no direction; remove it or write `mode: silent`"
        reading.problem(message, *path, "towards")


def _machine_exists(reading: Reading, entry: TimelineEntry, path: FieldPath) -> None:
    """`fra/3` needs three machines, in a scenario that scales none."""
    if not reading.topology or not entry.target or entry.target.kind != "machine":
        return
    code, _, number = str(entry.target).partition("/")
    if number and int(number) > (count := reading.topology.regions[code].machines):
        machines = "machine" if count == 1 else "machines"
        message = f"found `{code}/{number}`; region `{code}` has {count} {machines}, from 1 on"
        reading.problem(message, *path, "machine")


def _expectation(reading: Reading, item: object, path: FieldPath) -> Expectation | None:
    data = reading.mapping(item, path)
    spec = data and _spec(reading, data, "check", CHECKS, path)
    if not data or not spec:
        return None
    params = _params(reading, data, spec, (*spec.params, *WINDOW), path)
    least, most = params.get("min_s"), params.get("max_s")
    if least is not None and most is not None and least > most:
        reading.problem(f"must be at least `min`, {format_duration(least)}", *path, "max")
    return Expectation(spec.name, params)


def _window(reading: Reading, expectation: Expectation, duration_s: float, path: FieldPath) -> None:
    from_s = expectation.params.get("from_s", 0.0)
    until_s = expectation.params.get("until_s", duration_s)
    if until_s > duration_s:
        end = format_duration(duration_s)
        reading.problem(f"must not be after the end of the run, {end}", *path, "until")
    elif from_s >= until_s:
        end = format_duration(until_s)
        reading.problem(f"must be before the end of its window, {end}", *path, "from")


def _spec(
    reading: Reading, data: dict[str, Any], key: str, specs: Mapping[str, Spec], path: FieldPath
) -> Spec | None:
    """Which fault or check an entry is; its keys are checked."""
    name = data.get(key)
    if not isinstance(name, str):
        reading.problem(f"is missing; write one of {listed(specs, 'or')}", *path, key)
        return None
    if name not in specs:
        reading.problem(f"unknown {key} `{name}`{suggest(name, specs)}", *path, key)
        return None
    spec: Spec = specs[name]
    keys: list[str] = spec.keys
    # A target of the wrong kind is told what the fault takes, which says more than "unknown key".
    wrong_targets = {*TARGETS} - {*keys} if key == "fault" else set()
    data = {key: value for key, value in data.items() if key not in wrong_targets}
    reading.unknown_keys(data, keys, path)
    return spec


def _params(
    reading: Reading, data: dict[str, Any], spec: Spec, params: Sequence[Param], path: FieldPath
) -> dict[str, Any]:
    """The parameters given, under their names with units, and the defaults of the others."""
    values: dict[str, Any] = {}
    for param in params:
        if param.key in data:
            value = reading.read(param, data[param.key], path)
        elif param.required:
            reading.problem(f"is missing; `{spec.name}` needs it", *path, param.key)
            value = None
        else:
            value = param.default
        if value is not None:
            values[param.name] = value
    if spec.one_of and not any(key in data for key in spec.one_of):
        reading.problem(f"`{spec.name}` needs {listed(spec.one_of, 'or')}; add one", *path)
    return values
