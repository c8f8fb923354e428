"""What a campaign file may say, key by key. `load_campaign.py` adds what holds between keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sim.topology.problems import Schema
from sim.topology.settings import path_of
from sim.topology.shapes import either, shaped
from sim.topology.units import quoted

MAX_SEEDS = 10_000
_SPEED = {"type": "number", "minimum": 0.1, "maximum": 1000}


@shaped(
    either(
        {"type": "integer", "minimum": 1, "maximum": MAX_SEEDS},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
    )
)
def _seeds(value: object) -> tuple[int, ...]:
    """How many, which are counted from 1, or which."""
    found: list[Any] = value if isinstance(value, list) else [value]
    if not found or any(not isinstance(n, int) or isinstance(n, bool) or n < 0 for n in found):
        raise ValueError(
            f"found {quoted(value)}; write how many, such as `5`, or which, such as `[3, 7]`"
        )
    if isinstance(value, list):
        return tuple(value)
    if not 1 <= found[0] <= MAX_SEEDS:
        raise ValueError(f"found {quoted(value)}; allowed: 1 to {MAX_SEEDS}")
    return tuple(range(1, found[0] + 1))


@shaped(either(_SPEED, {"const": "auto"}))
def _speed(value: object) -> float | str:
    if value == "auto":
        return "auto"
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.1 <= value <= 1000:
        return float(value)
    raise ValueError(f"found {quoted(value)}; write a number from 0.1 to 1000, or `auto`")


def _key(value: object) -> object:
    if isinstance(value, str):
        path_of(value)
    return value


Speed = Annotated[Any, BeforeValidator(_speed)]
Key = Annotated[str, BeforeValidator(_key)]
Values = Annotated[list[Any], Field(min_length=1)]


class CampaignSchema(Schema):
    """A campaign file."""

    name: Annotated[str, Field(min_length=1)] | None = None
    scenarios: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        description="the paths of scenario files, from this file's folder",
    )
    seeds: Annotated[Any, BeforeValidator(_seeds)] = (1,)
    speeds: list[Speed] = Field(default=["auto"], min_length=1)
    runtimes: list[Literal["process", "docker"]] = Field(default=["process"], min_length=1)
    vary: dict[Key, Values] = Field(
        default_factory=dict, description="keys of the topology, each with its values"
    )
    combine: Literal["full", "pairwise"] = "full"
    exclude: list[Annotated[dict[str, Any], Field(min_length=1)]] = Field(
        default_factory=list, description="combinations that are left out"
    )
