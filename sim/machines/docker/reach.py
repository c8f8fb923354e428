"""How machines in an engine are reached from here, and what is here from there.

Edges, checks and links know a machine by its endpoint, a loopback address of this host. A container
is published there, or what connects is carried on to where it really is. A container has a loopback
of its own, so links to services listen where it reaches this host.
"""

from __future__ import annotations

from typing import Protocol

from sim.machines.docker.region_networks import Networks
from sim.machines.docker.way import Way
from sim.machines.ports import Ports
from sim.machines.runtime import MachineSpec
from sim.topology.addresses import AddressPlan, Endpoint, container_host

_EVERYWHERE = "0.0.0.0"


class Reach(Protocol):
    """One engine's."""

    def published(self, spec: MachineSpec) -> tuple[str, int] | None:
        """The address and port of its host at which the engine publishes a machine, if it does."""

    def beyond(self, spec: MachineSpec) -> Endpoint | None:
        """Where what connects to a machine's endpoint is carried on to; None: published there."""

    def own_host(self, region: str) -> str:
        """This host's address as a region's machines reach it."""

    def door(self, region: str, port: int) -> Endpoint:
        """Where a region's machines reach a link to a service."""


class Beside:
    """Of this host's own engine; the simulator may be one of its containers."""

    def __init__(self, networks: Networks, plan: AddressPlan) -> None:
        self._networks = networks
        self._plan = plan

    def published(self, spec: MachineSpec) -> tuple[str, int] | None:
        """At the machine's endpoint; nowhere if the simulator is in its network."""
        if self._networks.inside:
            return None
        return spec.endpoint.host, spec.endpoint.port

    def beyond(self, spec: MachineSpec) -> Endpoint | None:
        """From inside: to the container in its network."""
        if self._networks.inside:
            return Endpoint(container_host(spec.endpoint.host), spec.port)
        return None

    def own_host(self, region: str) -> str:
        """In the region's network; known once networks are open."""
        return str(self._plan.container_network(region)[2 if self._networks.inside else 1])

    def door(self, region: str, port: int) -> Endpoint:
        """At that port."""
        return Endpoint(self.own_host(region), port)


class Across:
    """Of another host's engine: by the real network between the two."""

    def __init__(self, ports: Ports) -> None:
        self.way: Way | None = None  # once it was found
        self._ports = ports
        self._doors: dict[tuple[str, int], Endpoint] = {}

    def published(self, spec: MachineSpec) -> tuple[str, int]:
        """At the port of the machine's endpoint, which no other machine of the world has."""
        return _EVERYWHERE, spec.endpoint.port

    def beyond(self, spec: MachineSpec) -> Endpoint:
        """At the address by which the engine is known."""
        return Endpoint(self._found.there, spec.endpoint.port)

    def own_host(self, region: str) -> str:  # noqa: ARG002 - the same for all regions there
        """This host's address towards the other one."""
        return self._found.here

    def door(self, region: str, port: int) -> Endpoint:
        """At a port for each region."""
        own = self._found.here
        if (region, port) not in self._doors:
            self._doors[region, port] = Endpoint(own, self._ports.take(own))
        return self._doors[region, port]

    @property
    def _found(self) -> Way:
        if self.way is None:
            raise RuntimeError("asked before the other host was found")
        return self.way
