"""The JSON Schema of a campaign: what it varies has the keys of a topology, and their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sim.campaign.keys import CampaignSchema
from sim.schemas.of_model import of_model
from sim.topology.shapes import Shape, either
from sim.topology.topology_keys import TopologySchema

_NAME, _INDEX = r"[^.\[\]]+", r"\[[0-9]+\]"


def campaign_schema() -> dict[str, Any]:
    """The schema of a whole file."""
    schema, topology = of_model(CampaignSchema), of_model(TopologySchema)
    found: dict[str, list[Shape]] = {}
    for pattern, shape in _keys(topology, topology["$defs"], ""):
        if shape not in found.setdefault(f"^{pattern}$", []):
            found[f"^{pattern}$"].append(shape)
    schema["properties"]["vary"] = {
        "description": schema["properties"]["vary"]["description"],
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {
            pattern: {"type": "array", "minItems": 1, "items": {**either(*shapes)}}
            for pattern, shapes in found.items()
        },
    }
    schema["$defs"] = {**schema.get("$defs", {}), **topology["$defs"]}
    return schema


def _keys(shape: Shape, named: Mapping[str, Shape], at: str) -> Iterator[tuple[str, Shape]]:
    """Every key below a shape, as a pattern of how it is written, with the shape of its values."""
    if name := shape.get("$ref", "").rpartition("/")[2]:
        yield from _keys(named[name], named, at)
    for one in shape.get("anyOf", ()):
        yield from _keys(one, named, at)
    dot = r"\." if at else ""
    below = {f"{at}{dot}{re.escape(key)}": of for key, of in shape.get("properties", {}).items()}
    if isinstance(others := shape.get("additionalProperties"), dict):
        below[f"{at}{dot}{_NAME}"] = others
    if isinstance(items := shape.get("items"), dict):
        below[at + _INDEX] = items
    for pattern, of in below.items():
        yield pattern, of
        yield from _keys(of, named, pattern)
