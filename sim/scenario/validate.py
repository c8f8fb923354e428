"""What is wrong with files, without running them: scenarios, topologies, drivers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.errors import InputError, Problem
from sim.scenario.driver_section import read_driver
from sim.scenario.load_scenario import load_scenario
from sim.scenario.reading import Reading
from sim.topology.kinds import kind_of
from sim.topology.load_topology import load_topology
from sim.topology.yaml_document import load_document


def is_scenario_file(path: Path) -> bool:
    """Whether a file is a scenario; one that cannot be read may be."""
    try:
        return kind_of(load_document(path).data) == "scenario"
    except InputError:
        return True


def validate(paths: Iterable[Path]) -> list[Problem]:
    """Every problem of these files and of those they refer to, each once."""
    problems: list[Problem] = []
    for path in paths:
        try:
            document = load_document(path)
            match kind_of(document.data):
                case "scenario":
                    load_scenario(path)
                case "topology":
                    load_topology(path)
                case "driver":
                    reading = Reading(document, None)
                    read_driver(reading, document.data, (), path.name)
                    problems += reading.problems
                case None:
                    message = "has no key of a scenario, of a topology or of a driver"
                    problems.append(Problem(message, str(path)))
        except InputError as error:
            problems += error.problems
    return list(dict.fromkeys(problems))
