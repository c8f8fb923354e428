"""What becomes of an origin's end on its way through a proxy."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

from sim.clock import Clock
from sim.places.http_proxy import HttpProxy
from sim.streams.tcp import TcpStream

GET = b"GET http://demo.fly.dev/ HTTP/1.1\r\nHost: demo.fly.dev\r\n\r\n"
PART = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"


class Nearby:
    """A place from which every destination is the same server."""

    def __init__(self, address):
        self.clock = Clock()
        self._address = address

    async def connect(self, _destination):
        _, stream = await asyncio.get_running_loop().create_connection(TcpStream, *self._address)
        return stream


async def asked(origin):
    """What a client gets through a proxy whose origin does that."""
    async with await asyncio.start_server(origin, "127.0.0.1", 0) as server:
        place: Any = Nearby(server.sockets[0].getsockname())
        near, far = socket.socketpair()
        near.setblocking(False)  # noqa: FBT003 - the socket module's own
        loop = asyncio.get_running_loop()
        _, stream = await loop.connect_accepted_socket(TcpStream, near)
        proxy = asyncio.create_task(HttpProxy(stream, place).run())
        reader, writer = await asyncio.open_connection(sock=far)
        writer.write(GET)
        async with place.clock.timeout(10.0):
            await proxy
            reset = stream.is_lost or stream.transport.is_closing()
            stream.close()
            said = await reader.read()
        writer.close()
        return said, reset


@pytest.mark.parametrize(("linger", "reset"), [(None, False), (struct.pack("ii", 1, 0), True)])
@pytest.mark.parametrize("said", [b"", PART])
async def test_an_end_is_an_end_and_a_reset_a_reset(said, linger, reset):
    async def origin(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        if linger:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    got, was_reset = await asked(origin)
    assert was_reset == reset
    assert b"502" not in got
    if not reset:
        assert got.endswith(said[-4:])
