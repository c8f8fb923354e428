"""The schemas by the kind of file, as `sim schema` prints them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sim.schemas.campaign_schema import campaign_schema
from sim.schemas.driver_schema import driver_schema
from sim.schemas.scenario_schema import scenario_schema
from sim.schemas.topology_schema import topology_schema
from sim.topology.kinds import Kind

_DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that all editors know

SCHEMAS: Mapping[Kind, Callable[[], dict[str, Any]]] = {
    "topology": topology_schema,
    "scenario": scenario_schema,
    "driver": driver_schema,
    "campaign": campaign_schema,
}


def schema_of(kind: Kind) -> dict[str, Any]:
    """The schema of a kind of file."""
    title = {"$schema": _DIALECT, "title": f"A {kind} of multi-region-sim"}
    return {**title, **{k: v for k, v in SCHEMAS[kind]().items() if k != "title"}}


def schema_text(kind: Kind) -> str:
    """The schema as a file has it."""
    return json.dumps(schema_of(kind), indent=1, ensure_ascii=False) + "\n"
