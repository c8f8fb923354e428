"""A vantage point on real sockets."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import ExitStack

import aiohttp
import pytest

from sim.authority import CertificateAuthority
from sim.clients.stub_resolver import ResolveError
from sim.clients.vantage import ClientContext, Vantage
from sim.clock import Clock
from sim.observe.events import Resolved
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.topology.addresses import PUBLIC_PORT, AddressPlan
from tests.slot import SLOT, address

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: seen=yes\r\n\r\nhi"


class Place:
    """A vantage point in London whose name resolves to what the test says."""

    def __init__(self, topology, monkeypatch):
        self._monkeypatch = monkeypatch
        self.clock = Clock(10.0)
        self.journal = Journal(self.clock)
        self.plan = AddressPlan(topology, SLOT)
        authority = CertificateAuthority(topology.hostname)
        context = ClientContext(topology, self.plan, 53, self.clock, self.journal, authority)
        self.vantage = Vantage("london", 3, "strict", context, Rng(1))
        self.region = self.plan.link("london", "fra").host
        self.taken = []

    def resolves_to(self, *addresses):
        async def resolve(_name):
            return addresses

        self._monkeypatch.setattr(self.vantage, "resolve", resolve)

    async def listen(self, address):
        """Take connections there: keep what comes first, say hello."""

        async def serve(reader, writer):
            self.taken.append((writer.get_extra_info("peername"), await reader.readline()))
            self.taken.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(HELLO)
            writer.close()

        return await asyncio.start_server(serve, address, PUBLIC_PORT)


@pytest.fixture
async def place(small_topology, monkeypatch):
    return Place(small_topology, monkeypatch)


async def get(place, jar=None):
    jar = jar if jar is not None else aiohttp.CookieJar()
    url = place.vantage.url("/x")
    async with place.vantage.open(jar) as http, http.get(url) as response:
        return await response.text()


async def test_it_connects_from_the_clients_address_and_says_so_first(place):
    place.resolves_to(place.region)
    async with await place.listen(place.region):
        assert await get(place) == "hi"
    (source, port), line = place.taken[0]
    assert source == address("2.13")
    assert line == f"PROXY TCP4 {source} {place.region} {port} 8480\r\n".encode()
    assert place.taken[1].startswith(b"GET /x HTTP/1.1\r\nHost: demo.fly.dev\r\n")
    assert place.vantage.region == "fra"


async def test_the_addresses_of_an_answer_are_tried_in_order(place):
    nobody = place.plan.link("london", "iad").host
    place.resolves_to(nobody, place.region)
    async with await place.listen(place.region):
        assert await get(place) == "hi"
    assert place.vantage.address == place.region


async def test_a_refused_connection_is_a_client_error_with_its_cause(place):
    place.resolves_to(place.region)
    with pytest.raises(aiohttp.ClientConnectorError, match="Connect call failed") as caught:
        await get(place)
    assert isinstance(caught.value.os_error, ConnectionRefusedError)
    assert place.vantage.doing == f"connecting to {place.region}"


async def test_a_name_that_does_not_resolve_is_journaled_and_leads_nowhere(place):
    with pytest.raises(aiohttp.ClientConnectorDNSError, match=f"nameserver {address('2.53')}:53"):
        await get(place)
    (record,) = place.journal.records
    resolved = record.event
    assert isinstance(resolved, Resolved)
    assert (resolved.client, resolved.location) == ("london/3", "london")
    assert (resolved.region, resolved.address) == (None, None)
    assert "Connection refused" in str(resolved.error)
    assert place.vantage.region is None


async def test_cookies_outlive_a_connection(place):
    place.resolves_to(place.region)
    jar = aiohttp.CookieJar()
    async with await place.listen(place.region):
        await get(place, jar)
        await get(place, jar)
    assert b"Cookie" not in place.taken[1]
    assert b"Cookie: seen=yes" in place.taken[3]


async def test_a_connection_that_is_given_up_leaves_no_socket(place):
    """Warnings are errors here: a socket that nobody closed would fail the test."""
    place.resolves_to(place.region)
    with socket.socket() as listener, ExitStack() as stack:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((place.region, PUBLIC_PORT))
        listener.listen(0)
        for _ in range(2):  # the queue is full: the kernel answers no further connection
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the socket module's own
            waiting.connect_ex((place.region, PUBLIC_PORT))
        with pytest.raises(TimeoutError):
            async with place.clock.timeout(2.0):
                await get(place)
    assert place.vantage.doing == f"connecting to {place.region}"
    gc.collect()


async def test_resolving_again_is_refused_with_a_fresh_error(place):
    for _ in range(2):
        with pytest.raises(ResolveError):
            await place.vantage.resolve("demo.fly.dev")
