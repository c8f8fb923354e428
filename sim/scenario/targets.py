"""What a fault may be done to: the kinds of targets, and how each is read.

A machine is `fra/1` (a region and a number) or an id; a link is two places, in either order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sim.scenario.model import TargetKind
from sim.scenario.params import Known, Reader
from sim.suggestions import listed, suggest
from sim.topology.model import DATABASE, Topology
from sim.topology.shapes import TEXT, shaped
from sim.topology.units import quoted

read_region = Known("region", lambda topology: topology.regions)
read_location = Known("location", lambda topology: topology.locations)


def places(topology: Topology) -> list[str]:
    """Everything a link can begin or end at."""
    return [*topology.locations, *topology.regions, *services(topology)]


def services(topology: Topology) -> list[str]:
    """The services of a topology."""
    return list(topology.services)


@shaped(TEXT)
def _machine(value: object, topology: Topology | None) -> str:
    match = re.fullmatch(r"([a-z0-9-]+)/([1-9]\d{0,3})", value) if isinstance(value, str) else None
    if match and topology:
        read_region(match[1], topology)
    elif not match and not re.fullmatch(r"[0-9a-f]{14}", str(value)):
        raise ValueError(
            f"found {quoted(value)}; must be a region and a number, such as `fra/1`, or an id"
        )
    return str(value)


@shaped({"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2})
def _link(value: object, topology: Topology | None) -> tuple[str, str]:
    """The link's own order: (location, region), (region, service)."""
    match value:
        case [str() as a, str() as b]:
            pass
        case _:
            raise ValueError(f"found {quoted(value)}; must be two places, such as `[london, fra]`")
    if topology is None:
        return (a, b)
    for name in (a, b):
        if name not in places(topology):
            hint = suggest(name, places(topology))
            raise ValueError(f"the topology has no region or location `{name}`{hint}")
    if b in topology.locations or a in topology.services:
        a, b = b, a
    if b in topology.locations or a == b or a in topology.services:
        raise ValueError(f"there is no link between `{a}` and `{b}`; one end must be a region")
    if a in topology.locations and b in topology.services:
        raise ValueError(f"clients do not reach the {b}; name a region, as `[fra, {b}]`")
    if a in topology.regions and b in topology.regions and topology.routing.mode == "geodns":
        hint = "".join(f"; did you mean `[{a}, {s}]`?" for s in services(topology)[:1])
        raise ValueError(f"with geodns routing no link joins the regions `{a}` and `{b}`{hint}")
    return (a, b)


TARGETS: Mapping[TargetKind, Reader] = {
    "region": read_region,
    "machine": _machine,
    "link": _link,
    "location": read_location,
    "service": Known("service", services),
}


def target_wanted(kinds: Iterable[TargetKind]) -> str:
    """What a fault's target may be, for messages."""
    examples = {
        "region": "fra",
        "machine": "fra/1",
        "link": "[london, fra]",
        "location": "london",
        "service": DATABASE,
    }
    return listed((f"{kind}: {examples[kind]}" for kind in kinds), "or")
