"""What crosses an edge crosses it unaltered, in both directions, however it is cut."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.streams.http.audience import MOMENT_S
from sim.streams.splice import splice
from sim.streams.tcp import TcpStream
from tests.routing.edge.conftest import Front

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

# Lengths of what is written at once: small enough to read in a failure, whatever they are.
lengths = st.lists(st.integers(0, 9) | st.integers(0, 300_000), max_size=6)


def filled(lengths):
    """Pieces of those lengths in which every byte tells where it belongs."""
    period = bytes(i * 37 % 251 for i in range(251))
    return [(period[k:] + period * (n // 251 + 1))[:n] for k, n in enumerate(lengths)]


def run(scenario):
    async def main():
        front = Front()
        await front.edge.start()
        try:
            await scenario(front)
        finally:
            await front.stop()

    asyncio.run(main())


async def send_all(writer, chunks):
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()


@given(up=lengths, down=lengths, early=st.booleans())
def test_a_splice_delivers_exactly_the_bytes(up, down, early):
    up, down = filled(up), filled(down)
    sent_up, sent_down = b"".join(up), b"".join(down)

    async def scenario(front):
        got = asyncio.get_running_loop().create_future()

        async def handler(reader, writer):
            writer.write(SWITCH + (b"".join(down[:1]) if early else b""))
            rest = down[1:] if early else down
            _, received = await asyncio.gather(
                send_all(writer, rest), reader.readexactly(len(sent_up))
            )
            got.set_result(received)

        await front.machine(handler)
        reader, writer = await front.knock()
        writer.write(UPGRADE + (b"".join(up[:1]) if early else b""))
        head = await front.within(reader.readuntil(b"\r\n\r\n"))
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"\r\nsim-machine: m1\r\n" in head
        _, received = await front.within(
            asyncio.gather(
                send_all(writer, up[1:] if early else up), reader.readexactly(len(sent_down))
            )
        )
        assert received == sent_down
        assert await front.within(got) == sent_up
        assert await front.within(reader.read()) == b""
        writer.close()
        (visit,) = await front.visits()
        assert visit.bytes_in == len(UPGRADE) + len(sent_up)
        assert visit.bytes_out == len(head) + len(sent_down)
        assert (visit.status, visit.outcome) == (101, "closed")

    run(scenario)


async def test_what_came_while_the_answer_went_out_goes_first():
    loop = asyncio.get_running_loop()
    ends = [socket.socketpair() for _ in range(2)]
    (_, client), (_, machine) = [await loop.connect_accepted_socket(TcpStream, b) for _, b in ends]
    client.data_received(b"early up,")
    machine.data_received(b"early down,")
    splicing = asyncio.ensure_future(splice(client, machine, b"trailing up,", b"trailing down,"))
    streams = [await asyncio.open_connection(sock=a) for a, _ in ends]
    for (_, writer), said in zip(streams, [b"late up", b"late down"], strict=True):
        writer.write(said)
    up, down = b"trailing up,early up,late up", b"trailing down,early down,late down"
    assert await streams[1][0].readexactly(len(up)) == up
    assert await streams[0][0].readexactly(len(down)) == down
    for _, writer in streams:
        writer.close()
    machine_broke_off = await splicing
    assert not machine_broke_off
    assert (client.bytes_in, client.bytes_out) == (len(b"early up,late up"), len(down))


def chunked(parts):
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return body + b"0\r\n\r\n"


@given(up=lengths, down=lengths, encoded=st.tuples(st.booleans(), st.booleans()))
def test_bodies_stream_exactly_both_ways(up, down, encoded):
    """Whatever framing either side uses: chunked, or a length known before."""
    up, down = filled(up), filled(down)
    up_chunked, down_chunked = encoded

    def framing(parts, *, as_chunks):
        if as_chunks:
            return b"Transfer-Encoding: chunked", [chunked(parts)]
        return b"Content-Length: %d" % sum(map(len, parts)), parts

    async def scenario(front):
        got = asyncio.get_running_loop().create_future()

        async def handler(reader, writer):
            field, parts = framing(down, as_chunks=down_chunked)
            body = read_chunked(reader) if up_chunked else reader.readexactly(sum(map(len, up)))
            writer.write(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\n")
            _, received = await asyncio.gather(send_all(writer, parts), body)
            got.set_result(received)

        await front.machine(handler)
        reader, writer = await front.knock()
        field, parts = framing(up, as_chunks=up_chunked)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\n" + field + b"\r\n\r\n")

        async def receive():
            await reader.readuntil(b"\r\n\r\n")
            if down_chunked:
                return await read_chunked(reader)
            return await reader.readexactly(sum(map(len, down)))

        _, received = await front.within(asyncio.gather(send_all(writer, parts), receive()))
        assert received == b"".join(down)
        assert await front.within(got) == b"".join(up)

    run(scenario)


async def read_chunked(reader):
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    assert await reader.readexactly(2) == b"\r\n"
    return body


async def test_a_machine_may_decline_an_upgrade_and_the_connection_goes_on(front):
    async def handler(_reader, writer):
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")

    machine = await front.machine(handler)
    reader, writer = await front.knock()
    for _ in range(2):
        writer.write(UPGRADE)
        assert (await front.within(reader.readuntil(b"\r\n\r\nno"))).startswith(b"HTTP/1.1 403 ")
    assert machine.header("Connection") == "Upgrade"
    assert machine.header("Upgrade") == "WebSocket"
    assert machine.header("Sec-WebSocket-Extensions") == "permessage-deflate"


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("machine_ends", [True, False])
async def test_an_end_of_either_side_ends_both_in_the_same_way(front, reset, machine_ends):
    met = asyncio.get_running_loop().create_future()

    async def handler(reader, writer):
        writer.write(SWITCH)
        ended = asyncio.get_running_loop().create_future()
        met.set_result((reader, writer, ended))
        await ended

    await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(UPGRADE)
    await front.within(reader.readuntil(b"\r\n\r\n"))
    machine_reader, machine_writer, ended = await front.within(met)
    ender, other = (machine_writer, reader) if machine_ends else (writer, machine_reader)
    if reset:
        sock = ender.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ender.close()
    if reset:
        with pytest.raises(ConnectionResetError):
            await front.within(other.read())
    else:
        assert await front.within(other.read()) == b""
    writer.close()
    ended.set_result(None)
    (visit,) = await front.visits()
    assert visit.outcome == ("failed" if reset and machine_ends else "closed")


async def test_a_side_that_has_ended_still_hears_the_other(front):
    async def handler(reader, writer):
        writer.write(SWITCH)
        writer.write(b"you said " + await reader.read())

    await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(UPGRADE)
    await front.within(reader.readuntil(b"\r\n\r\n"))
    writer.write(b"all")
    writer.write_eof()
    assert await front.within(reader.read()) == b"you said all"
    (visit,) = await front.visits()
    assert visit.outcome == "closed"


@pytest.mark.parametrize(
    "request_head",
    [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
)
async def test_a_client_that_ends_its_side_after_its_last_request_is_answered(front, request_head):
    """However long that takes: here until the edge has long seen the end."""
    answers = asyncio.Event()

    async def handler(_reader, writer):
        await answers.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(request_head)
    writer.write_eof()
    with pytest.raises(TimeoutError):
        await front.within(reader.read(1), MOMENT_S + 0.3)
    answers.set()
    assert (await front.within(reader.read())).endswith(b"\r\n\r\nok")


async def test_a_client_that_ends_its_side_of_a_lasting_connection_has_a_moment(front):
    """As by `nc -N`, which cannot be told from a client that left: a late answer is nobody's."""
    asked = [asyncio.get_running_loop().create_future() for _ in range(2)]
    left = asyncio.Event()

    async def handler(reader, writer):
        if not asked[0].done():
            asked[0].set_result(None)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        await reader.read()
        left.set()

    await front.machine(handler)
    for expected in (b"ok", b""):
        reader, writer = await front.knock()
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        writer.write_eof()
        assert (await front.within(reader.read()))[-2:] == expected
    await front.within(left.wait())


@pytest.mark.parametrize("head", [SWITCH, b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"])
async def test_a_client_that_does_not_read_holds_the_machine_back(front, head):
    """What is under way stays within the sockets' and the edge's buffers."""
    size = 64 * 1024 * 1024
    written = 0
    stalled = asyncio.Event()

    async def handler(_reader, writer):
        nonlocal written
        writer.write(head)
        clock = front.clock
        block = bytes(64 * 1024)
        while written < size:
            writer.write(block)
            written += len(block)
            try:
                async with clock.timeout(0.3):
                    await writer.drain()
            except TimeoutError:
                stalled.set()
                await writer.drain()

    await front.machine(handler)
    reader, writer = await front.knock(limit=2**16)
    writer.write(UPGRADE)
    await front.within(reader.readuntil(b"\r\n\r\n"))
    await front.within(stalled.wait())
    assert written < size / 2
    received = 0
    while received < size:
        received += len(await front.within(reader.read(2**20)))
    assert received == size


async def test_head_without_a_machine_is_503_without_a_body(front):
    answer = await front.ask(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_length_beside_an_encoding_in_an_answer_is_dropped(front):
    async def handler(_reader, writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nok\r\n0\r\n\r\n"
        )

    await front.machine(handler)
    answer = await front.ask(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert b"Content-Length" not in answer
    assert answer.endswith(b"\r\n\r\n2\r\nok\r\n0\r\n\r\n")
