"""From a scenario file to a Scenario, or to every problem that it and its topology have."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.clients.http_declaration import InData
from sim.clients.load_spec import LoadSpec
from sim.errors import InputError, Problem
from sim.scenario.entries import read_expectations, read_timeline
from sim.scenario.load_section import read_load
from sim.scenario.model import Scenario
from sim.scenario.reading import Reading
from sim.suggestions import similar_file
from sim.topology.kinds import mistaken
from sim.topology.load_topology import load_topology
from sim.topology.model import Topology
from sim.topology.units import quoted
from sim.topology.yaml_document import Document, load_document

KEYS = ("name", "topology", "load", "timeline", "duration", "expect")


def load_scenario(path: Path, settings: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario of a file, with its topology, in which `settings` take the place of keys.

    Raises InputError with every problem of both files.
    """
    document = load_document(path)
    if another := mistaken(document.data, "scenario", path.name):
        raise InputError(Problem(another, str(path)))
    name = document.data.get("topology")
    if not isinstance(name, str):
        message = f"found {quoted(name)}; must be the path of a topology file, from this file's"
        return _scenario(document, None, path, document.problem(message, "topology"))
    file = path.parent / name
    if not file.exists():
        message = f"there is no file `{file}`{similar_file(file)}"
        return _scenario(document, None, path, document.problem(message, "topology"))
    try:
        topology = load_topology(file, settings)
    except InputError as error:
        return _scenario(document, None, path, *error.problems)
    return _scenario(document, topology, path)


def scenario_from_mapping(
    data: Mapping[str, Any], topology: Topology, path: Path | None = None
) -> Scenario:
    """The scenario of plain data, such as a journal's, on this topology."""
    return _scenario(Document(dict(data), str(path) if path else None), topology, path)


def _scenario(
    document: Document, topology: Topology | None, path: Path | None, *known: Problem
) -> Scenario:
    """The scenario. Without a topology only its problems can be found, beside those `known`."""
    reading = Reading(document, topology)
    data = document.data
    reading.unknown_keys(data, KEYS, ())
    name = data.get("name", path.stem if path else "scenario")
    if not isinstance(name, str) or not name:
        reading.problem(f"found {quoted(name)}; must be text", "name")
    duration_s = reading.duration(data, "duration", ())
    load = read_load(reading, path.parent if path else Path())
    timeline = read_timeline(reading, duration_s)
    expect = read_expectations(reading, duration_s)
    problems = sorted(reading.problems, key=lambda problem: problem.line or 0)
    if known or problems or topology is None or duration_s is None:
        raise InputError(*known, *problems)
    return Scenario(
        name=name,
        topology=topology,
        load=load,
        timeline=timeline,
        duration_s=duration_s,
        expect=expect,
        path=path,
        document=_storable(data, load),
    )


def _storable(data: Mapping[str, Any], load: LoadSpec) -> dict[str, Any]:
    """The document without files that it refers to: a driver's own file becomes part of it."""
    document = copy.deepcopy(dict(data))
    if isinstance(load.driver, InData):
        document["load"]["driver"] = dict(load.driver.document)
    return document
