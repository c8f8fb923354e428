"""Racing addresses: in virtual time, and on sockets."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from sim.authority import CertificateAuthority
from sim.clients import eyeballs
from sim.clients.vantage import ClientContext, Vantage
from sim.clock import Clock
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.routing.resolver import Resolver
from sim.topology.addresses import PUBLIC_PORT, AddressPlan
from tests.slot import SLOT, address

SPEED = 10.0


class Field:
    """Addresses that answer after so many simulated seconds; None: that refuse at once."""

    def __init__(self, clock, **answers):
        self.clock = clock
        self.answers = answers
        self.tried = []
        self.sockets = []

    async def attempt(self, address):
        self.tried.append((address, round(self.clock.now(), 3)))
        after_s = self.answers[address]
        if after_s is None:
            raise ConnectionRefusedError(111, f"{address} refused")
        sock = socket.socket()
        self.sockets.append(sock)
        try:
            await self.clock.sleep(after_s)
        except BaseException:
            sock.close()
            raise
        return sock


@pytest.mark.parametrize(
    ("answers", "won", "at_s", "tried"),
    [
        ({"a": 0.1, "b": 0.1}, "a", 0.1, [("a", 0.0)]),
        ({"a": 9.0, "b": 0.1}, "b", 0.35, [("a", 0.0), ("b", 0.25)]),
        ({"a": 0.4, "b": 0.3}, "a", 0.4, [("a", 0.0), ("b", 0.25)]),
        ({"a": None, "b": 0.1}, "b", 0.1, [("a", 0.0), ("b", 0.0)]),
        ({"a": 9.0, "b": None, "c": 0.1}, "c", 0.35, [("a", 0.0), ("b", 0.25), ("c", 0.25)]),
    ],
)
def test_the_next_address_is_tried_after_250_ms_or_a_failure(virtually, answers, won, at_s, tried):
    async def scenario():
        clock = Clock(SPEED)
        field = Field(clock, **answers)
        address, sock = await eyeballs.race(list(answers), field.attempt, clock)
        assert address == won
        assert clock.now() == pytest.approx(at_s)
        assert field.tried == tried
        sock.close()
        assert all(other.fileno() < 0 for other in field.sockets)

    virtually(scenario())


def test_when_all_refuse_the_last_failure_is_told(virtually):
    async def scenario():
        clock = Clock(SPEED)
        field = Field(clock, a=None, b=None)
        with pytest.raises(ConnectionRefusedError, match="b refused"):
            await eyeballs.race(["a", "b"], field.attempt, clock)

    virtually(scenario())


def test_a_race_that_is_given_up_leaves_no_socket(virtually):
    async def scenario():
        clock = Clock(SPEED)
        field = Field(clock, a=9.0, b=9.0)
        with pytest.raises(TimeoutError):
            async with clock.timeout(1.0):
                await eyeballs.race(["a", "b"], field.attempt, clock)
        assert len(field.sockets) == 2
        assert all(sock.fileno() < 0 for sock in field.sockets)

    virtually(scenario())


@pytest.fixture
async def vantage(small_topology):
    """A client in London whose DNS answers with both regions, and the addresses of these."""
    routing = replace(small_topology.routing, answers=2)
    topology = replace(small_topology, routing=routing)
    clock = Clock(SPEED)
    journal, plan = Journal(clock), AddressPlan(topology, SLOT)
    resolver = Resolver(topology, plan, clock, journal, port=1092)
    await resolver.start()
    resolver.serve(tuple(topology.regions))
    context = ClientContext(
        topology, plan, 1092, clock, journal, CertificateAuthority(topology.hostname)
    )
    yield Vantage("london", 3, "happy_eyeballs", context, Rng(1))
    await resolver.stop()


async def door(address, answer):
    """A region's front door, or a place that accepts and is silent."""
    heard = []

    async def serve(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    return await asyncio.start_server(serve, address, PUBLIC_PORT), heard


async def test_dns_names_as_many_regions_as_the_topology_says(vantage):
    regions = [vantage._plan.region_at(a) for a in await vantage.resolve("demo.fly.dev")]
    assert regions == ["fra", "iad"]


@pytest.mark.parametrize("silent", [None, b"", b"HTTP/1.1 200 OK\r\n"])
async def test_a_path_that_accepts_and_says_nothing_loses_the_race(vantage, silent):
    """Silence, an end, and half an answer are no answer."""
    near, far = await vantage.resolve("demo.fly.dev")
    dead, heard = await door(near, silent)
    live, _ = await door(far, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with dead, live:
        sock = await vantage.connect("demo.fly.dev")
        sock.close()
    assert (vantage.address, vantage.region) == (far, "iad")
    assert heard[0].startswith(f"PROXY TCP4 {address('2.13')} ".encode())
    assert b"OPTIONS * HTTP/1.1\r\nHost: demo.fly.dev\r\n" in heard[0]


async def test_the_nearer_region_wins_while_it_answers(vantage):
    near, far = await vantage.resolve("demo.fly.dev")
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    first, _ = await door(near, fine)
    second, _ = await door(far, fine)
    async with first, second:
        sock = await vantage.connect("demo.fly.dev")
        sock.close()
    assert vantage.region == "fra"
