"""A fault that a person does to a running world, read by the rules of scenario files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.errors import InputError
from sim.scenario.entries import read_timeline
from sim.scenario.model import TimelineEntry
from sim.scenario.reading import Reading
from sim.topology.document import Document
from sim.topology.model import Topology


def live_fault(entry: Mapping[str, Any], topology: Topology) -> TimelineEntry:
    """The timeline entry of `{"fault": "crash", "region": "fra"}`. Raises InputError."""
    reading = Reading(Document({"timeline": [{"at": "0s", **entry}]}), topology)
    found = read_timeline(reading, None)
    if reading.problems or not found:
        raise InputError(*reading.problems)
    return found[0]
