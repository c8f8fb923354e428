"""The faults as a page needs them for its forms.

They come from the specifications of faults alone, so that a new one appears on the page by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.scenario.faults import FAULTS, FaultSpec
from sim.scenario.params import EXAMPLES, Choice, Known, Param
from sim.topology.model import Topology


def forms(topology: Topology) -> list[dict[str, Any]]:
    """Every fault: what it may be done to, and its parameters with the words they take."""
    return [_form(spec, topology) for spec in FAULTS.values()]


def _form(spec: FaultSpec, topology: Topology) -> dict[str, Any]:
    return {
        "fault": spec.name,
        "repair": spec.is_repair,
        "targets": list(spec.targets),
        "everything": spec.target_optional,
        "one_of": list(spec.one_of),
        "params": [_param(param, topology) for param in spec.params],
    }


def _kind(example: object) -> str:
    """What a value is made of what a person writes: a text, a number, or NAME=VALUE pairs."""
    if isinstance(example, int):
        return "number"
    return "mapping" if isinstance(example, Mapping) else "text"


def _param(param: Param, topology: Topology) -> dict[str, Any]:
    read = param.read
    choices: Iterable[str] = ()
    if isinstance(read, Choice):
        choices = read.allowed
    elif isinstance(read, Known):
        choices = read.names_of(topology)
    example = EXAMPLES.get(read)
    return {
        "key": param.key,
        "required": param.required,
        "default": param.default,
        "choices": list(choices),
        "example": example,
        "kind": _kind(example),
    }
