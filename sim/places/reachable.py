"""What may be reached from a location's entry: the world, and nothing outside it (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from sim.topology.addresses import PUBLIC_PORT, AddressPlan
from sim.topology.model import Topology

PORTS = (80, 443, PUBLIC_PORT)  # an edge tells TLS from HTTP by itself, so one link has all three


class OutOfReachError(Exception):
    """What was asked for is not in the world."""


@dataclass(frozen=True)
class Destination:
    """Where a client of a proxy wants to go: a name or an IPv4 address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Reach:
    """What a program in `location` can reach, as one that is really there could."""

    def __init__(self, topology: Topology, plan: AddressPlan, location: str) -> None:
        self._topology = topology
        self._plan = plan
        self._location = location

    def check(self, destination: Destination) -> str | None:
        """The address to connect to, or None for a name that is to be resolved.

        Raises OutOfReachError.
        """
        if destination.port not in PORTS:
            ports = ", ".join(map(str, PORTS[:-1])) + f" and {PORTS[-1]}"
            raise OutOfReachError(f"nothing listens at {destination}; the app is at ports {ports}")
        address = _address(destination.host)
        if address is not None and self._leads_to_a_region(address):
            return str(address)
        name = destination.host.lower().rstrip(".")
        if f".{name}".endswith(f".{self._topology.domain}"):
            return None
        raise OutOfReachError(
            f"{destination.host} is not in this world: from {self._location} you reach"
            f" {self._topology.hostname}, and nothing outside"
        )

    def _leads_to_a_region(self, address: IPv4Address) -> bool:
        near = address in self._plan.network(self._location)
        return near and self._plan.region_at(str(address)) is not None


def _address(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except ValueError:
        return None
