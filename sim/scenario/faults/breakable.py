"""The parts of a world that faults act on, and what a target means there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sim.scenario.model import Target
from sim.topology.model import Topology

if TYPE_CHECKING:  # judging a journal loads the specifications of faults, but no world
    from sim.deploys.deployer import Deployer
    from sim.machines.checker import HealthChecker
    from sim.machines.fleet import Fleet
    from sim.machines.machine import Machine
    from sim.network.links import Link, Links
    from sim.routing.resolver import Resolver


class Breakable(Protocol):
    """The parts of a world that faults act on."""

    @property
    def topology(self) -> Topology:
        """What the world was built from."""

    @property
    def fleet(self) -> Fleet:
        """Its machines."""

    @property
    def deploys(self) -> Deployer:
        """What brings releases to its machines."""

    @property
    def links(self) -> Links:
        """Its links."""

    @property
    def resolver(self) -> Resolver:
        """Its nameservers."""

    @property
    def health(self) -> HealthChecker:
        """Its health checker."""


def machines_at(world: Breakable, target: Target | None) -> list[Machine]:
    """The machines that a target names: a region's, or one; None: all."""
    if target is None:
        return list(world.fleet.machines.values())
    return world.fleet.find(str(target.value))


def links_at(world: Breakable, target: Target | None) -> list[Link]:
    """The links that a target names.

    A pair names its link in whichever direction there is one. A region, a location or a service
    names every link with an end there; a service's own region counts as its place, but what is
    inside that region stays connected. None names all links.
    """
    if target is None:
        return list(world.links.all())
    if target.kind == "link":
        ends = set(target.value)
        return [link for link in world.links.all() if set(_ends(link)) == ends]
    place = str(target.value)
    hosted = {name for name, one in world.topology.services.items() if one.region == place}
    return [
        link
        for link in world.links.all()
        if (place in _ends(link) or link.spec.target in hosted)
        and not (link.spec.source == place and link.spec.target in hosted)
    ]


def _ends(link: Link) -> tuple[str, str]:
    return (link.spec.source, link.spec.target)


def regions_at(world: Breakable, target: Target | None) -> list[str]:
    """The regions that a target names: one, or all."""
    return list(world.topology.regions) if target is None else [str(target.value)]


def locations_at(world: Breakable, target: Target | None) -> list[str]:
    """The locations that a target names: one, or all."""
    return list(world.topology.locations) if target is None else [str(target.value)]


def describe(world: Breakable, target: Target | None) -> dict[str, Any]:
    """A target as the journal keeps it: whom it could concern, by location, region and machine."""
    if target is None:
        return {"kind": "everything"}
    detail: dict[str, Any] = {"kind": target.kind}
    if target.kind == "region":  # which may have no machine just now
        detail["region"] = target.value
    elif target.kind == "machine":
        machines = machines_at(world, target)
        detail["region"] = machines[0].region
        detail["machines"] = [machine.id for machine in machines]
    elif target.kind == "link":
        for name in target.value:
            if name in world.topology.regions:
                detail["region"] = name
            elif name in world.topology.locations:
                detail["location"] = name
    return detail
