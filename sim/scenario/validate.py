"""What is wrong with files, without running them: scenarios, topologies, drivers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.errors import InputError, Problem
from sim.scenario.driver_section import read_declaration
from sim.scenario.load import load_scenario
from sim.scenario.reading import Reading
from sim.topology.document import Document, load_document
from sim.topology.load import load_topology

_SCENARIO_KEYS = frozenset({"topology", "timeline", "duration", "expect"})


def is_scenario_file(path: Path) -> bool:
    """Whether a file is a scenario; one that cannot be read may be."""
    try:
        return _is_scenario(load_document(path))
    except InputError:
        return True


def _is_scenario(document: Document) -> bool:
    return bool(_SCENARIO_KEYS.intersection(document.data))


def validate(paths: Iterable[Path]) -> list[Problem]:
    """Every problem of these files and of those they refer to, each once."""
    problems: list[Problem] = []
    for path in paths:
        try:
            document = load_document(path)
            if _is_scenario(document):
                load_scenario(path)
            elif "websocket" in document.data:
                reading = Reading(document, None)
                read_declaration(reading, document.data, (), path.name)
                problems += reading.problems
            else:
                load_topology(path)
        except InputError as error:
            problems += error.problems
    return list(dict.fromkeys(problems))
