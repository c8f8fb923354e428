"""What is wrong with files, without running them, whatever kind of file each is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.campaign.load_campaign import load_campaign
from sim.clients.driver_loading import load_driver
from sim.clients.load_spec import LoadSpec
from sim.errors import InputError, Problem
from sim.scenario.driver_section import driver_of_file
from sim.scenario.load_scenario import load_scenario
from sim.topology.kinds import kind_of
from sim.topology.load_topology import load_topology
from sim.topology.yaml_document import Document, load_document


def is_scenario_file(path: Path) -> bool:
    """Whether a file is a scenario; one that cannot be read may be."""
    try:
        return kind_of(load_document(path).data) == "scenario"
    except InputError:
        return True


def _of_driver(load: LoadSpec, document: Document) -> list[Problem]:
    """What is wrong with a driver in Python, which is imported for it."""
    try:
        load_driver(load.driver, load.folder)
    except InputError as error:
        return [document.problem(problem.message, "load", "driver") for problem in error.problems]
    return []


def validate(paths: Iterable[Path]) -> list[Problem]:
    """Every problem of these files and of those they refer to, each once."""
    problems: list[Problem] = []
    for path in paths:
        try:
            document = load_document(path)
            match kind_of(document.data):
                case "scenario":
                    load = load_scenario(path).load
                    problems += _of_driver(load, document)
                case "topology":
                    load_topology(path)
                case "driver":
                    driver_of_file(path)
                case "campaign":
                    load_campaign(path)
                case None:
                    message = "has no key of a scenario, topology, driver or campaign"
                    problems.append(Problem(message, str(path)))
        except InputError as error:
            problems += error.problems
    return list(dict.fromkeys(problems))


def notes(paths: Iterable[Path]) -> list[Problem]:
    """What a world will not do of what these valid files say, such as a fly.toml's options."""
    found: list[Problem] = []
    for path in paths:
        match kind_of(load_document(path).data):
            case "scenario":
                found += load_scenario(path).topology.notes
            case "topology":
                found += load_topology(path).notes
    return list(dict.fromkeys(found))
