"""Where everything of a world listens: a plan of loopback addresses, computed and never stored.

A world has one 127.S.0.0/16 to itself; S is its slot. In it:

    127.S.0.1            control server and link server
    127.S.L.53           nameserver of location L (1..149)
    127.S.L.54           its entry: the proxy by which any program is there
    127.S.L.10-49        sources of its clients
    127.S.L.100+R        where that location reaches region R: the listening end of its link
    127.S.150+R.1        edge of region R (0..99)
    127.S.150+R.2        where its machines reach services: the listening ends of those links
    127.S.150+R.3        where its machines ask for names: .internal and all others
    127.S.150+R.4-9      services in it, other than the database
    127.S.150+R.10-249   its machines
    127.S.150+R.1        with anycast, at ports of their own: where its edge reaches the other
                         regions, and where its worker takes what their edges forward
    127.S.250.1          database; 127.S.250.2 where TLS before it is ended

The docker runtime's containers have the same addresses with 10 for 127: region R is the network
10.S.150+R.0/24, in which .1 is this host, and .2 the simulator where it is a container itself.

Clients that are containers have a network of their location, 10.S.L.0/26, whose .1 is this host and
their nameserver. They reach region R at 10.S.L.65+4R: a host has no second address in a Docker
network, so each region has a network of four addresses, 10.S.L.64+4R/30, for its first one alone.

So a client's place shows in its source address, in the nameserver it asks and in the address it
connects to, and ports are the same everywhere. On Linux all of 127/8 can be bound with no set-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from sim.errors import InputError
from sim.topology.model import DATABASE, Topology

SLOTS = range(44, 108)
MAX_LOCATIONS = 149
MAX_REGIONS = 100
MAX_PROGRAMS = 6  # services that are not built in: the addresses that a region has for them

CONTROL_PORT = 8470
LINK_SERVER_PORT = 8474  # Toxiproxy's own
PUBLIC_PORT = 8480  # where clients reach the gateway, at every link and edge
_SERVICES = 8432  # + a service's number: where a region's machines reach it
ENTRY_PORT = 8490
_EDGE_LISTENERS = 9000  # + the location's number: one listener for each link that ends here
_BACKHAUL = 9200  # + a region's number: where the edge reaches that region
_WORKERS = 9300  # + a region's number: where the worker takes what that region's edge forwards

_CLIENT_SOURCES = 40
_MACHINE_ADDRESSES = 240


@dataclass(frozen=True)
class Endpoint:
    """An address and a port to listen on or to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def control_of(slot: int) -> Endpoint:
    """Where the control server of a slot's world listens. Binding it claims the slot."""
    return Endpoint(f"127.{slot}.0.1", CONTROL_PORT)


def container_host(host: str) -> str:
    """A container's address in its region's network: the machine's on this host, with 10 for 127.

    Its network is the plan's `container_network`.
    """
    return "10." + host.partition(".")[2]


def private_address(host: str) -> str:
    """The IPv6 address by which machines know each other, as at Fly: the IPv4 one, mapped.

    Whoever connects to it over IPv6 reaches the IPv4 address (RFC 4291, 2.5.5.2), with no set-up.
    """
    return f"::ffff:{host}"


class AddressPlan:
    """The addresses of one topology in one slot."""

    def __init__(self, topology: Topology, slot: int) -> None:
        self.slot = slot
        self._locations = {name: 1 + i for i, name in enumerate(topology.locations)}
        self._regions = {code: i for i, code in enumerate(topology.regions)}
        programs = [one for one in topology.services.values() if one.name != DATABASE]
        self._programs = {one.name: (i, one.region) for i, one in enumerate(programs)}
        self._services = {name: i for i, name in enumerate(topology.services)}

    def _host(self, third: int, fourth: int) -> str:
        return f"127.{self.slot}.{third}.{fourth}"

    @property
    def control(self) -> Endpoint:
        """The control server."""
        return control_of(self.slot)

    @property
    def link_server(self) -> Endpoint:
        """The HTTP API of the link server."""
        return Endpoint(self._host(0, 1), LINK_SERVER_PORT)

    @property
    def database(self) -> Endpoint:
        """The world's own database."""
        return Endpoint(self._host(250, 1), _SERVICES)

    @property
    def database_front(self) -> Endpoint:
        """Where TLS before it is ended, if the topology wants it."""
        return Endpoint(self._host(250, 2), _SERVICES)

    def program(self, service: str) -> str:
        """The address of a service that is not the database."""
        number, region = self._programs[service]
        return self._host(150 + self._regions[region], 4 + number)

    def network(self, location: str) -> IPv4Network:
        """The loopback /24 of a location."""
        return IPv4Network((self._host(self._locations[location], 0), 24))

    def nameserver(self, location: str) -> str:
        """The address at which a location asks for names."""
        return self._host(self._locations[location], 53)

    def entry(self, location: str) -> Endpoint:
        """Where a program's proxy setting points to be at a location."""
        return Endpoint(self._host(self._locations[location], 54), ENTRY_PORT)

    def client(self, location: str, number: int) -> str:
        """The source address of a location's client; clients share the forty there are."""
        return self._host(self._locations[location], 10 + number % _CLIENT_SOURCES)

    def link(self, location: str, region: str) -> Endpoint:
        """Where a location connects to reach a region."""
        fourth = 100 + self._regions[region]
        return Endpoint(self._host(self._locations[location], fourth), PUBLIC_PORT)

    def edge(self, region: str) -> Endpoint:
        """Where the edge of a region listens for whoever is in no location."""
        return Endpoint(self._host(150 + self._regions[region], 1), PUBLIC_PORT)

    def edge_for(self, region: str, location: str) -> Endpoint:
        """Where the edge of a region listens for one location: the far end of its link."""
        return Endpoint(self.edge(region).host, _EDGE_LISTENERS + self._locations[location])

    def backhaul(self, source: str, region: str) -> Endpoint:
        """Where the edge of a region connects to reach another region."""
        return Endpoint(self.edge(source).host, _BACKHAUL + self._regions[region])

    def worker(self, region: str, source: str) -> Endpoint:
        """Where a region takes what another one's edge forwards: the far end of that link."""
        return Endpoint(self.edge(region).host, _WORKERS + self._regions[source])

    def door(self, region: str) -> str:
        """The address at which a region's machines reach services, each at its port."""
        return self._host(150 + self._regions[region], 2)

    def service_port(self, service: str) -> int:
        """The port at which a service is reached, the same in all regions."""
        return _SERVICES + self._services[service]

    def internal_nameserver(self, region: str) -> str:
        """Where a region's machines ask for names."""
        return self._host(150 + self._regions[region], 3)

    def machine(self, region: str, number: int) -> str:
        """The address of the region's n-th machine, counted from 0."""
        return self._host(150 + self._regions[region], 10 + number % _MACHINE_ADDRESSES)

    def container_network(self, region: str) -> IPv4Network:
        """The Docker network of a region."""
        return IPv4Network((f"10.{self.slot}.{150 + self._regions[region]}.0", 24))

    def client_network(self, location: str) -> IPv4Network:
        """The Docker network of a location's clients."""
        return IPv4Network((f"10.{self.slot}.{self._locations[location]}.0", 26))

    def client_door(self, location: str, region: str) -> IPv4Network:
        """The Docker network in whose first address those clients reach a region.

        Raises InputError for a region beyond the forty-eight that there is room for.
        """
        fourth = 64 + 4 * self._regions[region]
        if fourth > 255:
            raise InputError(f"containers of a location reach 48 regions; {region} is one more")
        return IPv4Network((f"10.{self.slot}.{self._locations[location]}.{fourth}", 30))

    def region_at(self, address: str) -> str | None:
        """The region that an answered address leads to, or None."""
        parts = address.split(".")
        if parts[:2] != ["127", str(self.slot)]:
            return None
        third, fourth = int(parts[2]), int(parts[3])
        number = third - 150 if third >= 150 else fourth - 100
        return next((code for code, i in self._regions.items() if i == number), None)
