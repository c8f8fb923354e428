from __future__ import annotations

import asyncio
import struct

import pytest
from dnslib import QTYPE, RCODE, RR, SOA, A, DNSRecord

from sim.clients.stub_resolver import Answer, ResolveError, StubResolver, read_answer
from sim.clock import Clock
from sim.rng import Rng
from sim.topology.addresses import Endpoint
from tests.slot import address

NAMESERVER = Endpoint(address("3.53"), 1053)
SOURCE = address("3.10")


def reply_to(query, *addresses, ttl=30, rcode=RCODE.NOERROR):
    reply = query.reply()
    reply.header.rcode = rcode
    for each in addresses:
        reply.add_answer(RR("demo.fly.dev", QTYPE.A, rdata=A(each), ttl=ttl))
    return reply


class Nameserver(asyncio.DatagramProtocol):
    """Answers datagrams with what `answer(query)` yields, and notes who asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked_from = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.asked_from.append(address[0])
        for reply in self.answer(DNSRecord.parse(data)):
            self.transport.sendto(reply, address)


async def asked(answer, speed=10.0):
    """What the stub resolver makes of a nameserver like that; 5 s of patience are 0.5 real ones."""
    loop = asyncio.get_running_loop()
    transport, nameserver = await loop.create_datagram_endpoint(
        lambda: Nameserver(answer), local_addr=(NAMESERVER.host, NAMESERVER.port)
    )
    try:
        resolver = StubResolver(NAMESERVER, SOURCE, Clock(speed), Rng(1))
        return await resolver.resolve("demo.fly.dev"), nameserver
    finally:
        transport.close()


async def test_the_question_comes_from_the_clients_own_address():
    answer, nameserver = await asked(lambda query: [reply_to(query, "1.2.3.4", ttl=7).pack()])
    assert answer == Answer(("1.2.3.4",), 7.0)
    assert nameserver.asked_from == [SOURCE]


async def test_what_answers_another_question_is_passed_over():
    def answer(query):
        other_id = reply_to(query, "6.6.6.6")
        other_id.header.id ^= 1
        other_name = DNSRecord.question("other.fly.dev").reply()
        other_name.header.id = query.header.id
        return [
            b"rubbish",
            query.pack()[:12] + b"\xc0\x0c" * 8,
            query.pack(),
            other_id.pack(),
            other_name.pack(),
            reply_to(query, "1.2.3.4").pack(),
        ]

    found, _ = await asked(answer)
    assert found.addresses == ("1.2.3.4",)


async def test_a_nameserver_that_says_nothing_is_asked_twice():
    counted = []

    def answer(query):
        counted.append(query.header.id)
        return [reply_to(query, "1.2.3.4").pack()] if len(counted) == 2 else []

    found, _ = await asked(answer)
    assert found.addresses == ("1.2.3.4",)
    assert counted[0] != counted[1]


async def test_silence_is_an_error_after_two_timeouts():
    clock = Clock(100.0)
    with pytest.raises(ResolveError, match=f"no answer from {NAMESERVER} within 5 s"):
        await asked(lambda _query: [], speed=100.0)
    assert 10.0 <= clock.now() < 100.0


async def test_where_nobody_listens_the_error_says_so():
    resolver = StubResolver(NAMESERVER, SOURCE, Clock(100.0), Rng(1))
    with pytest.raises(ResolveError, match=f"nameserver {NAMESERVER}: Connection refused"):
        await resolver.resolve("demo.fly.dev")


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".dev"])
async def test_what_is_no_name_is_not_asked_for(name):
    resolver = StubResolver(NAMESERVER, SOURCE, Clock(100.0), Rng(1))
    with pytest.raises(ResolveError, match="is no domain name"):
        await resolver.resolve(name)


async def test_a_truncated_answer_is_fetched_over_tcp():
    def truncated(query):
        reply = query.reply()
        reply.header.tc = 1
        return [reply.pack()]

    async def serve(reader, writer):
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        query = DNSRecord.parse(await reader.readexactly(length))
        message = reply_to(query, "1.2.3.4", "1.2.3.5", ttl=9).pack()
        writer.write(struct.pack("!H", len(message)) + message)
        writer.close()

    server = await asyncio.start_server(serve, NAMESERVER.host, NAMESERVER.port)
    async with server:
        found, _ = await asked(truncated)
    assert found == Answer(("1.2.3.4", "1.2.3.5"), 9.0)


def soa(ttl, minimum):
    return RR("fly.dev", QTYPE.SOA, rdata=SOA("ns", "root", (1, 2, 3, 4, minimum)), ttl=ttl)


@pytest.mark.parametrize(
    ("rcode", "authority", "said", "negative_ttl_s"),
    [
        (RCODE.NXDOMAIN, [soa(60, 5)], "demo.fly.dev: NXDOMAIN", 5.0),
        (RCODE.NXDOMAIN, [soa(3, 5)], "demo.fly.dev: NXDOMAIN", 3.0),
        (RCODE.NXDOMAIN, [], "demo.fly.dev: NXDOMAIN", 0.0),
        (RCODE.NOERROR, [soa(60, 5)], "demo.fly.dev: no address", 5.0),
        (RCODE.SERVFAIL, [soa(60, 5)], "demo.fly.dev: SERVFAIL", 0.0),
        (RCODE.REFUSED, [], "demo.fly.dev: REFUSED", 0.0),
    ],
)
def test_negative_answers_say_how_long_they_hold(rcode, authority, said, negative_ttl_s):
    reply = reply_to(DNSRecord.question("demo.fly.dev"), rcode=rcode)
    reply.add_auth(*authority)
    with pytest.raises(ResolveError, match=said) as caught:
        read_answer("demo.fly.dev", reply)
    assert caught.value.negative_ttl_s == negative_ttl_s


def test_the_shortest_ttl_of_several_addresses_counts():
    reply = reply_to(DNSRecord.question("demo.fly.dev"), "1.1.1.1", ttl=30)
    reply.add_answer(RR("demo.fly.dev", QTYPE.A, rdata=A("2.2.2.2"), ttl=10))
    assert read_answer("demo.fly.dev", reply) == Answer(("1.1.1.1", "2.2.2.2"), 10.0)
