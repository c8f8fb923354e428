"""The sockets: addresses, ports, TCP's framing and limits, and what is left behind."""

import asyncio
import socket
import struct

import dns.asyncquery
import dns.message
import pytest

from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.routing.dns import nameserver as server_module
from sim.routing.dns.nameserver import NameServer
from tests.slot import address

FIRST, SECOND = address("1.53"), address("2.53")
HOSTS = {FIRST: "one", SECOND: "two"}
SOURCE = address("9.9")
PORT = 20540
LONG = b"x" * 60_000
CLOSED = (ConnectionResetError, asyncio.IncompleteReadError)


def echo(packet, asked, source, transport):
    """Says who asked whom; `silence` is not answered, `flood` at length."""
    if packet == b"silence":
        return None
    if packet == b"flood":
        return LONG
    return b" ".join((packet, asked.encode(), source.encode(), transport.encode()))


@pytest.fixture
async def server():
    server = NameServer(HOSTS, PORT, echo)
    await server.start()
    yield server
    await server.stop()


def frame(packet):
    return struct.pack("!H", len(packet)) + packet


async def next_reply(reader):
    size = struct.unpack("!H", await reader.readexactly(2))[0]
    return await reader.readexactly(size)


async def ask_udp(host, packet, *, source=SOURCE):
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0)
        client.bind((source, 0))
        client.connect((host, PORT))  # takes replies from that address alone
        await loop.sock_sendall(client, packet)
        return await loop.sock_recv(client, 4096)


async def test_each_address_answers_for_itself_and_knows_the_source(server):
    assert await ask_udp(FIRST, b"hello") == f"hello one {SOURCE} udp".encode()
    assert await ask_udp(SECOND, b"hello", source=address("2.10")) == (
        f"hello two {address('2.10')} udp".encode()
    )


async def test_a_burst_of_datagrams_is_answered_in_full(server):
    replies = await asyncio.gather(*(ask_udp(FIRST, b"%d" % i) for i in range(200)))
    assert sorted(int(reply.split()[0]) for reply in replies) == list(range(200))


async def test_tcp_queries_may_be_pipelined_and_cut_anywhere(server):
    reader, writer = await asyncio.open_connection(SECOND, PORT)
    stream = b"".join(frame(b"%d" % i) for i in range(300))
    for at in range(0, len(stream), 7):
        writer.write(stream[at : at + 7])
        await writer.drain()
    replies = [await next_reply(reader) for _ in range(300)]
    assert [int(reply.split()[0]) for reply in replies] == list(range(300))
    assert replies[0].endswith(b"tcp")
    writer.close()
    await writer.wait_closed()


async def test_tcp_answers_what_came_before_the_end_of_the_stream(server):
    reader, writer = await asyncio.open_connection(SECOND, PORT)
    writer.write(frame(b"silence") + frame(b"last") + b"\0")
    writer.write_eof()
    assert (await next_reply(reader)).startswith(b"last two")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_tcp_answers_a_long_pipeline_whose_end_came_at_once(server):
    reader, writer = await asyncio.open_connection(SECOND, PORT)
    writer.write(frame(b"query") * 300)
    writer.write_eof()
    for _ in range(300):
        assert (await next_reply(reader)).startswith(b"query two")
    writer.close()
    await writer.wait_closed()


async def test_a_reader_that_does_not_read_is_not_written_to_without_bound(server):
    reader, writer = await asyncio.open_connection(SECOND, PORT)
    writer.write(frame(b"flood") * 400)
    assert len(await next_reply(reader)) == len(LONG)
    [connection] = server._connections
    buffered = connection._transport.get_write_buffer_size()
    assert buffered <= 3 * len(LONG)
    for _ in range(399):
        assert len(await next_reply(reader)) == len(LONG)
    writer.close()
    await writer.wait_closed()


async def test_a_connection_that_sends_no_whole_query_is_closed(server, monkeypatch):
    monkeypatch.setattr(server_module, "IDLE_S", 0.05)
    for start in (b"", b"\0", frame(b"whole")[:-1]):
        reader, writer = await asyncio.open_connection(SECOND, PORT)
        writer.write(start)
        with pytest.raises(CLOSED):
            async with Clock().timeout(5):
                await reader.readexactly(1)
        writer.close()


async def test_connections_are_limited(server, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    streams = [await asyncio.open_connection(SECOND, PORT) for _ in range(2)]
    for reader, writer in streams:
        writer.write(frame(b"in"))
        assert await next_reply(reader)
    reader, writer = await asyncio.open_connection(SECOND, PORT)
    with pytest.raises(CLOSED):
        async with Clock().timeout(5):
            await reader.readexactly(1)
    for _, open_writer in (*streams, (reader, writer)):
        open_writer.close()


async def test_stopping_closes_everything_and_may_be_repeated(server):
    reader, writer = await asyncio.open_connection(SECOND, PORT)
    await ask_udp(FIRST, b"hello")
    await server.stop()
    await server.stop()
    with pytest.raises(CLOSED):
        async with Clock().timeout(5):
            await reader.readexactly(1)
    writer.close()
    again = NameServer(HOSTS, PORT, echo)
    await again.start()
    await again.stop()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_a_port_in_use_is_said_with_its_remedy_and_nothing_stays_open(kind):
    with socket.socket(socket.AF_INET, kind) as other:
        # Connections of earlier tests may still linger on the port.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
        other.bind((SECOND, PORT))
        if kind == socket.SOCK_STREAM:
            other.listen()
        server = NameServer(HOSTS, PORT, echo)
        with pytest.raises(EnvironmentLacksError, match="in use") as raised:
            await server.start()
        assert str(PORT) in str(raised.value)
        await server.stop()
    await server.start()
    await server.stop()


async def test_an_address_that_is_not_here_is_said_with_its_remedy():
    server = NameServer({"192.0.2.1": None}, PORT, echo)
    with pytest.raises(EnvironmentLacksError, match="loopback"):
        await server.start()


async def test_without_the_right_to_port_53_the_other_is_taken(monkeypatch):
    class Unprivileged(socket.socket):
        def bind(self, address):
            if address[1] < 1024:
                raise PermissionError(13, "Permission denied")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Unprivileged)
    server = NameServer(HOSTS, None, echo)
    await server.start()
    assert server.port == 1053
    await server.stop()
    with pytest.raises(EnvironmentLacksError, match="above 1023"):
        await NameServer(HOSTS, 54, echo).start()


async def test_dnspython_finds_the_resolver_by_both_transports(resolver, plan):
    query = dns.message.make_query("atlas-voice-v2.fly.dev", "A")
    for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
        reply = await ask(query, plan.nameserver("london"), port=resolver.port, timeout=5)
        assert reply.answer[0][0].to_text() == plan.link("london", "fra").host
