"""A location as its entry's clients have it: they resolve there, and connect from there."""

from __future__ import annotations

import asyncio

from sim.clients.dial import dial
from sim.clients.dns_cache import DnsCache
from sim.clients.stub_resolver import Answer, ResolveError, StubResolver
from sim.clients.vantage import ClientContext
from sim.places.reachable import Destination, Reach
from sim.rng import Rng
from sim.streams.tcp import TcpStream
from sim.topology.addresses import Endpoint

_NUMBER = 39  # the last of the location's clients, which few loads are large enough to have


class Place:
    """One more client of a location, whose programs share its address and its DNS cache.

    The cache keeps answers for their TTL, as a resolver library that does what it is told: a
    program's proxy resolves for it, so the habits of its own cache do not show.
    """

    def __init__(self, location: str, context: ClientContext, rng: Rng) -> None:
        plan = context.plan
        self.location = location
        self.source = plan.client(location, _NUMBER)
        self.clock = context.clock
        self._reach = Reach(context.topology, plan, location)
        nameserver = Endpoint(plan.nameserver(location), context.resolver_port)
        stub = StubResolver(nameserver, self.source, context.clock, rng)
        self._cache = DnsCache(stub.resolve, "strict", context.clock, _nobody_asks)

    async def connect(self, destination: Destination) -> TcpStream:
        """A connection to there, by the first of its addresses that takes one.

        Raises OutOfReachError, ResolveError, OSError.
        """
        known = self._reach.check(destination)
        addresses = (known,) if known else await self._cache.resolve(destination.host)
        failure = OSError(f"{destination.host} has no address")
        for address in addresses:
            try:
                sock = await dial(self.source, address, self.clock, destination.port)
            except OSError as error:
                failure = error
                continue
            try:
                loop = asyncio.get_running_loop()
                _, stream = await loop.create_connection(TcpStream, sock=sock)
            except BaseException:
                sock.close()
                raise
            return stream
        raise failure


def _nobody_asks(name: str, answer: Answer | ResolveError, expires: float) -> None:
    """Journaled caches are those of a load's clients, whose outages are explained by them."""
