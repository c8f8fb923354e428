"""Regions and placement: a machine can only be where the world has a region."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import region_json
from sim.control.machines_api.bodies import PlacementsRequest, parsed
from sim.topology.geography import REGIONS, continent
from sim.topology.model import Topology

# Fly's aliases for groups of regions.
_GROUPS = {
    "apac": ("asia_pacific",),
    "eu": ("europe",),
    "na": ("north_america",),
    "us": ("north_america",),
    "usa": ("north_america",),
    "sa": ("south_america",),
}


class Regions:
    """The endpoints below /v1/platform."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def list(self, request: web.Request) -> web.Response:
        """The world's regions; its primary one is the nearest."""
        del request
        topology = self._context.topology
        return web.json_response(
            {
                "Regions": [region_json(region) for region in topology.regions.values()],
                "Nearest": topology.primary.code,
            }
        )

    async def placements(self, request: web.Request) -> web.Response:
        """Where so many machines would go: spread over the regions that are meant."""
        given = parsed(PlacementsRequest, await request.read())
        regions = candidates(given.region, self._context.topology)
        each, more = divmod(given.count, len(regions))
        counts = {code: each + (place < more) for place, code in enumerate(regions)}
        return web.json_response(
            {
                "Regions": [
                    {"Region": code, "Count": count, "Concurrency": count}
                    for code, count in counts.items()
                    if count
                ]
            }
        )


def chosen(wanted: str | None, topology: Topology) -> str:
    """The region of a new machine: the first that is meant, or the primary. Raises Refusal."""
    return candidates(wanted, topology)[0] if wanted else topology.primary.code


def candidates(wanted: str, topology: Topology) -> list[str]:
    """The world's regions that a list such as `iad,eu,any` means, in its order. Raises Refusal."""
    found: dict[str, None] = {}
    for name in (part.strip().lower() for part in wanted.split(",")):
        if name in topology.regions:
            found[name] = None
        elif name in ("", "any"):
            found.update(dict.fromkeys(topology.regions))
        else:
            found.update(dict.fromkeys(_group(name, topology)))
    if not found:
        there = ", ".join(topology.regions)
        known = " of Fly's" if wanted in REGIONS else ""
        raise Refusal(
            400, f"region {wanted!r}{known} is not in this world's topology; there are: {there}"
        )
    return list(found)


def _group(name: str, topology: Topology) -> list[str]:
    return [code for code in topology.regions if continent(code) in _GROUPS.get(name, ())]
