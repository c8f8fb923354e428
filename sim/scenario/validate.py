"""What is wrong with files, without running them: scenarios and topologies alike."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.errors import InputError, Problem
from sim.scenario.load import load_scenario
from sim.topology.document import load_document
from sim.topology.load import load_topology

_SCENARIO_KEYS = frozenset({"topology", "timeline", "duration", "expect"})


def validate(paths: Iterable[Path]) -> list[Problem]:
    """Every problem of these files and of those they refer to, each once."""
    problems: list[Problem] = []
    for path in paths:
        try:
            if _SCENARIO_KEYS.intersection(load_document(path).data):
                load_scenario(path)
            else:
                load_topology(path)
        except InputError as error:
            problems += error.problems
    return list(dict.fromkeys(problems))
