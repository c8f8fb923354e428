"""The JSON Schema of a topology."""

from __future__ import annotations

from typing import Any

from sim.schemas.of_model import of_model
from sim.topology.topology_keys import TopologySchema


def topology_schema() -> dict[str, Any]:
    """The schema of a whole file."""
    schema = of_model(TopologySchema)
    # A fly.toml says the app, the gateway and the primary region.
    by_itself = schema.pop("required")
    schema["if"] = {"required": ["fly_toml"]}
    schema["then"] = {"required": [key for key in by_itself if key == "locations"]}
    schema["else"] = {"required": by_itself}
    return schema
