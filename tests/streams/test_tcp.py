"""A TCP connection as the edge uses it."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sim.streams.tcp import TcpStream
from tests.slot import address


async def test_what_a_peer_said_before_it_broke_off_is_read_though_writing_met_the_break_first():
    """As of a machine that answers 413 and closes with a part of the upload unread."""
    with socket.create_server((address("150.251"), 0)) as listening:
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(TcpStream, *listening.getsockname())
        peer, _ = listening.accept()
    stream.write(b"unread")
    peer.sendall(b"too large")
    peer.recv(1)
    peer.close()  # with unread bytes: a reset
    stream.write(b"more")  # before the loop has read anything
    assert await stream.read() == b"too large"
    assert stream.bytes_in == len(b"too large")
    with pytest.raises(ConnectionResetError):
        await stream.read()
