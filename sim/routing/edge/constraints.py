"""Where a request asks to go, by its own headers: `fly-prefer-region` and its kin. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sim.routing.machine_choice import Constraints
from sim.streams.http.fields import Headers, values
from sim.topology.geography import REGIONS, continent

_CONTINENTS = {
    "apac": "asia_pacific",
    "eu": "europe",
    "na": "north_america",
    "sa": "south_america",
}
_NOT_US = frozenset({"yyz", "yul", "gdl", "qro"})  # North America's regions outside the States


def regions_meant(name: str, regions: Collection[str]) -> frozenset[str]:
    """Those of an app's regions that a code or one of Fly's aliases means: `fra`, `eu`, `any`."""
    if name == "any":
        return frozenset(regions)
    if name in {"us", "usa"}:
        return regions_meant("na", regions) - _NOT_US
    if place := _CONTINENTS.get(name):
        return frozenset(r for r in regions if r in REGIONS and continent(r) == place)
    return frozenset({name}) & frozenset(regions)


def in_order(names: Iterable[str], regions: Collection[str]) -> tuple[frozenset[str], ...]:
    """What a list of codes and aliases means, in its order."""
    return tuple(regions_meant(name, regions) for name in names)


def constraints_of(fields: Headers, regions: Collection[str]) -> Constraints:
    """What a request asks for. Force comes before prefer, a machine before a region."""
    prefer, force = values(fields, b"fly-prefer-region"), values(fields, b"fly-force-region")
    groups = None
    if force:
        groups = in_order(_texts(force), regions)
    elif prefer:
        groups = (*in_order(_texts(prefer), regions), frozenset(regions))
    return Constraints(
        regions=groups,
        preferred=_one(fields, b"fly-prefer-instance-id"),
        forced=_one(fields, b"fly-force-instance-id"),
    )


def _texts(members: Iterable[bytes]) -> list[str]:
    return [member.decode("ascii", "replace") for member in members]


def _one(fields: Headers, name: bytes) -> str | None:
    return next(iter(_texts(values(fields, name))), None)
