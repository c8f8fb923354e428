"""Entries on real sockets: whoever comes in is in that entry's location."""

from __future__ import annotations

import asyncio
import socket
import struct

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.errors import EnvironmentLacksError
from sim.observe.events import EdgeConnection
from sim.places.entry import Entries
from sim.places.socks import Reply
from sim.rng import Rng
from tests.slot import address

APP = b"demo.fly.dev"
GREETING = b"\x05\x01\x00"
GET = b"GET /x HTTP/1.1\r\nHost: demo.fly.dev\r\nConnection: close\r\n\r\n"


def by_name(port=80, name=APP):
    return b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", port)


def connect(target):
    return b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, target)


async def body(reader, within):
    head = await within(reader.readuntil(b"\r\n\r\n"))
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return head, await within(reader.readexactly(length))


@pytest.mark.parametrize(("location", "region"), [("london", "fra"), ("new-york", "iad")])
@pytest.mark.parametrize("port", [80, 443, 8480])
async def test_a_tunnel_leads_where_the_location_is_led(program, location, region, port):
    reader, writer = await program.knock(location)
    writer.write(connect(b"demo.fly.dev:%d" % port))
    assert (await program.within(reader.readuntil(b"\r\n\r\n"))).startswith(b"HTTP/1.1 200 ")
    writer.write(GET)
    assert (await program.within(reader.read())).endswith(b"hello from " + region.encode())
    (request,) = program.world.gateways[region].requests
    assert request.headers["Fly-Client-IP"] == program.world.plan.client(location, 39)
    assert request.headers["Fly-Forwarded-Port"] == str(port)


async def test_a_tunnel_carries_tls_to_the_edge(program):
    credentials = await program.world.authority.credentials()
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            "https://demo.fly.dev/x",
            proxy=f"http://{program.world.plan.entry('london')}",
            ssl=credentials.client,
        ) as answer,
    ):
        assert await answer.text() == "hello from fra"
    (request,) = program.world.gateways["fra"].requests
    assert request.headers["X-Forwarded-Proto"] == "https"
    assert request.headers["Fly-Forwarded-Port"] == "443"


async def test_whole_urls_are_asked_over_a_connection_that_stays(program):
    reader, writer = await program.knock()
    for _ in range(3):
        writer.write(b"GET http://demo.fly.dev/x?y=1 HTTP/1.1\r\nHost: other\r\n\r\n")
        assert (await body(reader, program.within))[1] == b"hello from fra"
    writer.close()
    for request in program.world.gateways["fra"].requests:
        assert request.path_qs == "/x?y=1"
        assert request.host == "demo.fly.dev"
    assert len(await program.world.seen(EdgeConnection, 1)) == 1


async def test_a_body_crosses_and_so_does_its_answer(program):
    much = b"0123456789abcdef" * 65_536
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            "http://demo.fly.dev/x", data=much, proxy=f"http://{program.world.plan.entry('london')}"
        ) as answer,
    ):
        assert await answer.text() == "hello from fra"


@pytest.mark.parametrize("url", ["ws://demo.fly.dev/echo", "wss://demo.fly.dev/echo"])
async def test_a_websocket_crosses(program, url):
    credentials = await program.world.authority.credentials()
    proxy = f"http://{program.world.plan.entry('london')}"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, proxy=proxy, ssl=credentials.client) as websocket,
    ):
        await websocket.send_str("hello")
        assert await program.within(websocket.receive_str()) == "hello"


async def test_socks_by_name_resolves_at_the_location(program):
    reader, writer = await program.knock("new-york")
    writer.write(GREETING + by_name() + GET)  # without waiting for replies, as some clients do
    assert await program.within(reader.readexactly(2)) == b"\x05\x00"
    assert (await program.within(reader.readexactly(10)))[:2] == b"\x05\x00"
    assert (await program.within(reader.read())).endswith(b"hello from iad")


async def test_socks_by_address_goes_there(program):
    address = socket.inet_aton(program.world.plan.link("london", "iad").host)
    said = await program.says(GREETING + b"\x05\x01\x00\x01" + address + b"\x00\x50" + GET)
    assert said.endswith(b"hello from iad")


@pytest.mark.parametrize(
    "target",
    [b"example.com:443", b"127.0.0.1:8480", b"169.254.169.254:80", b"localhost:80", b"[::1]:80"],
)
async def test_nothing_outside_the_world_is_reached(program, target):
    answer = await program.says(connect(target))
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"is not in this world: from london you reach demo.fly.dev" in answer
    url = b"GET http://%b/ HTTP/1.1\r\nHost: h\r\n\r\n" % target.replace(b"443", b"80")
    assert (await program.says(url)).startswith(b"HTTP/1.1 403 ")


async def test_the_worlds_own_parts_are_not_reached(program):
    plan = program.world.plan
    for endpoint in (plan.control, plan.link_server, plan.database, plan.edge("fra")):
        answer = await program.says(connect(str(endpoint).encode()))
        assert answer.startswith(b"HTTP/1.1 403 ")
    other = plan.link("new-york", "iad")  # from London there is another way
    assert (await program.says(connect(str(other).encode()))).startswith(b"HTTP/1.1 403 ")


async def test_a_port_where_nothing_listens_is_said_so(program):
    answer = await program.says(connect(b"demo.fly.dev:22"))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"the app is at ports 80, 443 and 8480" in answer


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (by_name(name=b"example.com"), 2),
        (by_name(port=22), 2),
        (by_name(name=b"other.fly.dev"), 4),
        (b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", 7),
    ],
)
async def test_socks_says_in_its_reply_what_is_wrong(program, said, reply):
    assert await program.says(GREETING, said) == b"\x05\x00\x05" + bytes([reply, 0, 1]) + bytes(6)


async def test_socks_with_a_password_alone_is_unwelcome(program):
    assert await program.says(b"\x05\x01\x02") == b"\x05\xff"


async def test_a_name_that_does_not_resolve_is_a_502(program):
    answer = await program.says(connect(b"other.fly.dev:80"))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"no way to other.fly.dev:80: other.fly.dev: NXDOMAIN" in answer


async def test_a_nameserver_that_is_gone_is_said_so(program):
    await program.world.resolver.stop()
    answer = await program.says(connect(b"demo.fly.dev:80"))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert f"nameserver {address('2.53')}".encode() in answer


async def test_answers_are_kept_for_their_ttl_and_no_longer(program):
    """A program's proxy resolves for it: what DNS says meanwhile is seen when the TTL is over."""
    world = program.world
    ask = (b"GET http://demo.fly.dev/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",)
    assert (await program.says(*ask)).endswith(b"hello from fra")
    world.resolver.serve(("iad",))
    assert (await program.says(*ask)).endswith(b"hello from fra")
    await world.clock.sleep(world.topology.routing.ttl_s)
    assert (await program.says(*ask)).endswith(b"hello from iad")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00\r\n\r\n", 400),  # SOCKS 4
        (b"GET http://demo.fly.dev/ HTTP/1.1\r\nX: " + b"x" * 100_000, 431),
    ],
)
async def test_what_is_no_request_to_a_proxy_is_refused(program, said, status):
    assert (await program.says(said)).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("é HTTP/1.1\r\nHost: h\r\n\r\n".encode(), 400),
    ],
)
async def test_what_the_edge_refuses_the_entry_refuses_and_ends(program, rest, status):
    """With both framings an entry and an edge could see another end of the body."""
    smuggled = b"0\r\n\r\nGET http://demo.fly.dev/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = await program.says(b"POST http://demo.fly.dev/ " + rest + smuggled)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == (2 if status == 505 else 1)


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"8000000000000000\r\nab", b"3\r\nabcdef"])
async def test_a_broken_chunk_is_the_clients_error(program, chunk):
    head = b"POST http://demo.fly.dev/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await program.says(head + chunk)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"sim-region" not in answer  # in the entry's own name
    (seen,) = await program.world.seen(EdgeConnection, 1)
    assert seen.outcome == "closed"


async def test_a_connection_that_breaks_is_a_reset_and_no_answer(program):
    reader, writer = await program.knock()
    writer.write(connect(b"demo.fly.dev:80"))
    await program.within(reader.readuntil(b"\r\n\r\n"))
    websocket = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    writer.write(
        b"GET /echo HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + websocket
        + b"\r\n"
    )
    await program.within(reader.readuntil(b"\r\n\r\n"))
    await program.world.gateways["fra"].crash()
    assert await program.within(reader.read()) == b""


async def test_a_client_that_says_nothing_is_let_go(program, monkeypatch):
    monkeypatch.setattr("sim.places.http_proxy._HEAD_REAL_S", 0.01)
    monkeypatch.setattr("sim.places.socks_proxy._GREETING_REAL_S", 0.01)
    assert (await program.says(b"GET http://demo")).startswith(b"HTTP/1.1 408 ")
    assert await program.says(b"\r\n") == b""
    assert await program.says(b"\x05\x01") == Reply.FAILED.encoded()
    # Only now: a client that takes longer to say its first byte is let go before it says it.
    monkeypatch.setattr("sim.places.entry._FIRST_BYTE_REAL_S", 0.01)
    assert await program.says() == b""


async def test_an_entry_that_ends_cuts_what_it_carries(program):
    reader, writer = await program.knock()
    writer.write(connect(b"demo.fly.dev:80"))
    await program.within(reader.readuntil(b"\r\n\r\n"))
    silent, _ = await program.knock()
    await asyncio.gather(program.entries.stop())
    assert await program.within(reader.read()) == b""
    assert await program.within(silent.read()) == b""


async def test_an_address_that_is_taken_is_said_so(program):
    with pytest.raises(EnvironmentLacksError, match=r"the entry of new-york cannot listen at"):
        Entries().start(program.world.context(), Rng(1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([GREETING, by_name(), by_name(port=22), connect(APP + b":80"), GET]),
            st.sampled_from([b"GET http://demo.fly.dev/", b" HTTP/1.1\r\n", b"Host: h\r\n\r\n"]),
        ),
        max_size=6,
    )
)
async def test_whatever_is_said_the_entry_goes_on(program, said):
    """The fixture finds out if a connection ended by a defect of ours."""
    _, writer = await program.knock()
    for part in said:
        writer.write(part)
    writer.write_eof()
    writer.close()
    assert (await program.says(GREETING, by_name(), GET)).endswith(b"hello from fra")
