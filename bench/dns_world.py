"""The world that every name server of the benchmark serves: one name, 300 client subnets.

Also the two servers that are Python: `python -m bench.dns_world ours|stock|flipping HOST PORT`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network

from dnslib import EDNS0, QTYPE, RCODE, RR, SOA, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from sim.clock import Clock
from sim.observe.journal import Journal
from sim.routing.dns.nameserver import NameServer
from sim.routing.resolver import Resolver
from sim.topology.addresses import AddressPlan
from sim.topology.geography import place_named
from sim.topology.model import Coordinates, Gateway, Location, Region, Topology

SLOT = 91
APP = "atlas-voice-v2"
DOMAIN = "fly.dev"
HOSTNAME = f"{APP}.{DOMAIN}"
TTL_S = 30
FLIP_EVERY_S = 0.2
_SUBNETS = 100  # of each location
HOMES = {"new-york": "iad", "london": "fra", "tokyo": "nrt"}


def _at(name: str) -> Coordinates:
    found = place_named(name)
    assert found is not None
    return found


def topology() -> Topology:
    """Three regions, and a location near each with subnets that cannot be merged."""
    regions = {code: Region(code, code, _at(code)) for code in HOMES.values()}
    locations = {
        name: Location(
            name,
            _at(name),
            subnets=tuple(IPv4Network(f"23.{16 + i}.{2 * n}.0/24") for n in range(_SUBNETS)),
        )
        for i, name in enumerate(HOMES)
    }
    return Topology(APP, DOMAIN, Gateway(), regions, locations)


def plan() -> AddressPlan:
    """Where things are in the benchmark's slot."""
    return AddressPlan(topology(), SLOT)


def subnet_answers() -> Iterator[tuple[IPv4Network, str, str]]:
    """Each client subnet, its location, and the address that the name has for it."""
    answers = location_answers()
    for name, location in topology().locations.items():
        for subnet in location.subnets:
            assert isinstance(subnet, IPv4Network)
            yield subnet, name, answers[name]


def location_answers() -> dict[str, str]:
    """The address that each location is answered with."""
    addresses = plan()
    return {name: addresses.link(name, region).host for name, region in HOMES.items()}


DEFAULT = "new-york"  # who asks without a client subnet


async def _serve_ours(host: str, port: int, *, flipping: bool) -> None:
    clock = Clock()
    resolver = Resolver(topology(), plan(), clock, Journal(clock))
    everything = frozenset(HOMES.values())
    resolver.serve(everything)
    server = NameServer({host: DEFAULT}, port, resolver._authority.reply)  # noqa: SLF001 - alone
    await server.start()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while flipping:
        for healthy in (everything - {HOMES[DEFAULT]}, everything):
            instant = loop.time()
            resolver.serve(healthy)
            # Told later: the write would delay the first answers, and wake the one who asks.
            await clock.sleep(FLIP_EVERY_S / 2)
            print(instant, resolver.regions(DEFAULT)[0], flush=True)
            await clock.sleep(FLIP_EVERY_S / 2)
    await asyncio.Event().wait()


class _StockResolver(BaseResolver):  # type: ignore[misc]  # dnslib is untyped
    """What one writes with dnslib's own server: the same answers, by client subnet."""

    def __init__(self) -> None:
        self._answers = {subnet.network_address.packed[:3]: a for subnet, _, a in subnet_answers()}
        self._default = location_answers()[DEFAULT]
        self._soa = SOA(f"ns.{HOSTNAME}", f"hostmaster.{DOMAIN}", (1, 3600, 60, 86400, 5))

    def resolve(self, request: DNSRecord, _handler: object) -> DNSRecord:
        """The reply to a query."""
        reply = request.reply(ra=0)
        address = self._default
        for record in request.ar:
            if record.rtype == QTYPE.OPT:
                for option in record.rdata:
                    if option.code == 8:
                        address = self._answers.get(option.data[4:7], address)
                reply.add_ar(EDNS0(udp_len=1232))
        name = str(request.q.qname).rstrip(".").lower()
        if name == HOSTNAME and request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=TTL_S))
            return reply
        if name != HOSTNAME:
            reply.header.rcode = RCODE.NXDOMAIN
        reply.add_auth(RR(DOMAIN, QTYPE.SOA, rdata=self._soa, ttl=5))
        return reply


def _serve_stock(host: str, port: int) -> None:
    logger = DNSLogger("-request,-reply,-recv,-send,-truncated,-data,-error", prefix=False)
    server = DNSServer(_StockResolver(), address=host, port=port, logger=logger)
    print("ready", flush=True)
    server.start()


def main(kind: str, host: str, port: str) -> None:
    """Serve until killed; says `ready` first."""
    if kind == "stock":
        _serve_stock(host, int(port))
    else:
        asyncio.run(_serve_ours(host, int(port), flipping=kind == "flipping"))


if __name__ == "__main__":
    main(*sys.argv[1:])
