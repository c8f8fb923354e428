"""A splice carries bytes both ways, holds a fast sender back, and ends as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from sim.clock import Clock
from sim.rng import Rng
from sim.streams.splice import Splice


class Peer(asyncio.Protocol):
    """An outer end: what came, and whether it is over."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.over = asyncio.Event()
        self.ended = asyncio.Event()
        self.error: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    keeps_open = False

    def eof_received(self) -> bool:
        self.ended.set()
        return self.keeps_open

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.over.set()


@dataclass
class Path:
    """left ── a │ splice │ b ── right."""

    left: Peer
    a: asyncio.Transport
    b: asyncio.Transport
    right: Peer


async def joined() -> tuple[Peer, Peer]:
    """Two connected peers."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Queue[Peer] = asyncio.Queue()

    class Accepted(Peer):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            accepted.put_nowait(self)

    server = await loop.create_server(Accepted, "127.90.0.4", 0)
    _, client = await loop.create_connection(Peer, *server.sockets[0].getsockname()[:2])
    peer = await accepted.get()
    server.close()
    return client, peer


@pytest.fixture
async def path() -> AsyncIterator[Path]:
    """Two connections whose inner ends can be spliced."""
    (left, a), (b, right) = await joined(), await joined()
    yield Path(left, a.transport, b.transport, right)
    for peer in (left, a, b, right):
        peer.transport.abort()
    await asyncio.sleep(0)  # noqa: TID251 - let the transports close


async def until(clock: Clock, condition: object) -> None:
    """Wait for something to become true."""
    async with clock.timeout(10):
        while not condition():  # type: ignore[operator] # a callable
            await clock.sleep(0.002)


async def test_bytes_go_both_ways_and_are_counted(path: Path, clock: Clock) -> None:
    splice = Splice(path.a, path.b)
    data = Rng(1).randbytes(3_000_000)
    path.left.transport.write(data)
    path.right.transport.write(b"back")
    await until(clock, lambda: len(path.right.data) == len(data) and len(path.left.data) == 4)
    assert path.right.data == data
    assert path.left.data == b"back"
    assert (splice.bytes_ab, splice.bytes_ba) == (3_000_000, 4)


async def test_what_was_read_before_goes_first(path: Path, clock: Clock) -> None:
    splice = Splice(path.a, path.b, ab=b"early ", ba=b"hi ")
    path.left.transport.write(b"late")
    path.right.transport.write(b"there")
    await until(clock, lambda: len(path.right.data) == 10 and len(path.left.data) == 8)
    assert path.right.data == b"early late"
    assert path.left.data == b"hi there"
    assert (splice.bytes_ab, splice.bytes_ba) == (10, 8)


async def test_a_slow_receiver_holds_its_sender_back(path: Path, clock: Clock) -> None:
    splice = Splice(path.a, path.b)
    path.right.transport.pause_reading()
    data = Rng(1).randbytes(40_000_000)
    path.left.transport.write(data)
    await until(clock, lambda: not path.a.is_reading())
    assert path.b.get_write_buffer_size() < 1_000_000
    path.right.transport.resume_reading()
    await until(clock, lambda: len(path.right.data) == len(data))
    assert path.right.data == data
    assert splice.bytes_ab == len(data)


async def test_the_end_of_both_sides_delivers_what_there_is_and_is_the_end(
    path: Path, clock: Clock
) -> None:
    """The right end closes when it has seen the left one's, as a `Peer` does."""
    splice = Splice(path.a, path.b)
    path.left.transport.write(b"x" * 500_000)
    path.left.transport.close()
    async with clock.timeout(10):
        await splice.wait()
        await path.right.over.wait()
    assert len(path.right.data) == 500_000


async def test_a_side_that_has_said_all_still_gets_the_answer(path: Path, clock: Clock) -> None:
    splice = Splice(path.a, path.b)
    path.left.keeps_open = path.right.keeps_open = True
    path.left.transport.write(b"x" * 500_000)
    path.left.transport.write_eof()
    async with clock.timeout(10):
        await path.right.ended.wait()
    assert len(path.right.data) == 500_000
    path.right.transport.write(b"y" * 500_000)
    path.right.transport.write_eof()
    async with clock.timeout(10):
        await path.left.ended.wait()
        await splice.wait()
    assert len(path.left.data) == 500_000


async def test_what_a_side_said_before_it_broke_off_arrives_though_writing_met_the_break_first(
    path: Path, clock: Clock
) -> None:
    """As of a machine that closes a WebSocket with a code while its client still talks."""
    Splice(path.a, path.b)
    path.b.pause_reading()  # so that the loop has read nothing when it writes
    right: socket.socket = path.right.transport.get_extra_info("socket")
    path.right.transport.write(b"goodbye")
    right.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    path.right.transport.abort()
    async with clock.timeout(10):
        await path.right.over.wait()
        path.b.write(b"more")
        await path.left.over.wait()
    assert path.left.data == b"goodbye"


async def test_abort_ends_both(path: Path, clock: Clock) -> None:
    splice = Splice(path.a, path.b)
    splice.abort()
    async with clock.timeout(10):
        await splice.wait()
        await path.left.over.wait()
        await path.right.over.wait()


async def test_cancelling_the_wait_aborts_both(path: Path, clock: Clock) -> None:
    splice = Splice(path.a, path.b)
    waiting = asyncio.create_task(splice.wait())
    await asyncio.sleep(0)  # noqa: TID251 - let it begin
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    async with clock.timeout(10):
        await path.left.over.wait()
        await path.right.over.wait()


async def test_a_side_that_has_ended_already_ends_the_other(path: Path, clock: Clock) -> None:
    path.a.close()
    await path.left.over.wait()
    splice = Splice(path.a, path.b)
    async with clock.timeout(10):
        await splice.wait()
        await path.right.over.wait()
