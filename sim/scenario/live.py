"""What a person asks of a running world: faults, loads, checks, by the rules of scenario files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.clients.load_spec import LoadSpec
from sim.errors import InputError
from sim.scenario.entries import read_expectations, read_timeline
from sim.scenario.load_section import read_load
from sim.scenario.model import Expectation, TimelineEntry
from sim.scenario.reading import Reading
from sim.topology.model import Topology
from sim.topology.yaml_document import Document


def live_fault(entry: Mapping[str, Any], topology: Topology | None) -> TimelineEntry:
    """The timeline entry of `{"fault": "crash", "region": "fra"}`, now unless it has `when`.

    Without a topology names of places are taken as they are. Raises InputError.
    """
    due = {} if "when" in entry else {"at": "0s"}
    reading = Reading(Document({"timeline": [{**due, **entry}]}), topology)
    found = read_timeline(reading, None)
    _complain(reading, "timeline[0]")
    return found[0]


def live_expectation(entry: Mapping[str, Any], topology: Topology) -> Expectation:
    """The expectation of `{"check": "outage", "location": "london", …}`. Raises InputError."""
    reading = Reading(Document({"expect": [dict(entry)]}), topology)
    found = read_expectations(reading, None)
    _complain(reading, "expect[0]")
    return found[0]


def live_load(section: Mapping[str, Any], topology: Topology, folder: Path) -> LoadSpec:
    """The load of a scenario's `load:`; a driver's file is looked for in `folder`.

    Raises InputError.
    """
    reading = Reading(Document({"load": dict(section)}), topology)
    load = read_load(reading, folder)
    _complain(reading, "load")
    return load


def _complain(reading: Reading, prefix: str) -> None:
    """Raise what was found wrong. Where it stands in a file means nothing to who wrote none."""
    if reading.problems:
        raise InputError(
            *(
                replace(
                    problem,
                    field=(problem.field or "").removeprefix(prefix).removeprefix(".") or None,
                )
                for problem in reading.problems
            )
        )
