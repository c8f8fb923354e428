"""One small world: Virginia and Frankfurt, New York, London and Lagos, in a slot of its own."""

from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network

import pytest

from sim.clock import Clock
from sim.observe.journal import Journal
from sim.routing.dns.zone_authority import ZoneAuthority
from sim.routing.resolver import Resolver
from sim.topology.addresses import AddressPlan
from sim.topology.model import Coordinates, Gateway, Location, Region, Routing, Topology
from tests.slot import SLOT

PORT = 20530


@pytest.fixture(name="topology")
def topology_fixture() -> Topology:
    regions = {
        "iad": Region("iad", "Ashburn", Coordinates(39.04, -77.49), primary=True),
        "fra": Region("fra", "Frankfurt", Coordinates(50.11, 8.68)),
    }
    locations = {
        "new-york": Location("new-york", Coordinates(40.71, -74.01)),
        "london": Location(
            "london",
            Coordinates(51.51, -0.13),
            subnets=(ip_network("81.2.69.0/24"), ip_network("2001:db8:1::/48")),
        ),
        "lagos": Location("lagos", Coordinates(6.45, 3.4), subnets=(ip_network("81.2.0.0/17"),)),
    }
    return Topology("atlas-voice-v2", "fly.dev", Gateway(), regions, locations, Routing(ttl_s=30.0))


@pytest.fixture(name="plan")
def plan_fixture(topology: Topology) -> AddressPlan:
    return AddressPlan(topology, SLOT)


@pytest.fixture(name="journal")
async def journal_fixture() -> Journal:
    return Journal(Clock())


@pytest.fixture(name="build")
async def build_fixture(journal: Journal) -> Callable[[Topology], Resolver]:
    """Makes a resolver that is not started: its authority can be asked without a socket."""
    clock = Clock()
    return lambda topology: Resolver(topology, AddressPlan(topology, SLOT), clock, journal, PORT)


@pytest.fixture(name="authority")
async def authority_fixture(
    topology: Topology, build: Callable[[Topology], Resolver]
) -> ZoneAuthority:
    return build(topology)._authority


@pytest.fixture(name="resolver")
async def resolver_fixture(
    topology: Topology, build: Callable[[Topology], Resolver]
) -> AsyncIterator[Resolver]:
    resolver = build(topology)
    await resolver.start()
    resolver.serve(frozenset(topology.regions))
    yield resolver
    await resolver.stop()
