"""A fault that a person does to a running world, read by the rules of scenario files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sim.errors import InputError
from sim.scenario.entries import read_timeline
from sim.scenario.model import TimelineEntry
from sim.scenario.reading import Reading
from sim.topology.document import Document
from sim.topology.model import Topology

_PREFIX = "timeline[0]"


def live_fault(entry: Mapping[str, Any], topology: Topology) -> TimelineEntry:
    """The timeline entry of `{"fault": "crash", "region": "fra"}`. Raises InputError."""
    reading = Reading(Document({"timeline": [{"at": "0s", **entry}]}), topology)
    found = read_timeline(reading, None)
    if reading.problems or not found:
        # Where it stands in a timeline means nothing to who wrote none.
        raise InputError(
            *(replace(problem, field=_own(problem.field)) for problem in reading.problems)
        )
    return found[0]


def _own(field: str | None) -> str | None:
    """The name of a field without that of the timeline that it is read in."""
    return (field or "").removeprefix(_PREFIX).removeprefix(".") or None
