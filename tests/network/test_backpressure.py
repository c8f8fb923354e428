"""A path holds what is on its way and a buffer, whatever holds it up; then its sender waits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sim.clock import Clock
from sim.network.embedded.collection import Collection, Wanted, add_toxic
from sim.network.embedded.pipe import BUFFER_BYTES, READ_BYTES, Engine
from sim.network.embedded.proxied_connection import Connection, Options
from sim.network.embedded.proxy import Proxy
from sim.network.embedded.timers import Timers
from sim.rng import Rng

ROOT = Path(__file__).parents[2]
BLOCK = b"x" * 65536
LATENCY = ("latency", {"latency": 40})
NARROW = ("bandwidth", {"rate": 32})  # 256 kbit/s
SHARED = ("shared_bandwidth", {"rate": 32})
SLICED = ("slicer", {"average_size": 1000, "delay": 30_000})
STILL = ("bandwidth", {"rate": 0})

Toxic = tuple[str, dict[str, int]]


class Blast:
    """A server that sends without end to clients through one proxy."""

    def __init__(self, proxy: Proxy, clock: Clock) -> None:
        self.proxy = proxy
        self.clock = clock
        self.clients: list[socket.socket] = []
        self.accepted: list[socket.socket] = []  # by the server

    async def connection(self, *, reads: bool) -> Connection:
        """A client's connection; it reads all, or nothing."""
        host, _, port = self.proxy.listen.rpartition(":")
        client = socket.create_connection((host, int(port)))
        self.clients.append(client)
        if reads:
            client.settimeout(0)
            loop = asyncio.get_running_loop()
            loop.add_reader(client, client.recv, 2**16)
        async with self.clock.timeout(5):
            while not self.proxy.connections:
                await self.clock.sleep(0.001)
        return next(iter(self.proxy.connections))

    async def held(self, connection: Connection) -> int:
        """The most that the path holds while its server sends for all that it takes."""
        pipe, most = connection.pipes["downstream"], 0
        with contextlib.suppress(TimeoutError):
            async with self.clock.timeout(0.4):
                while True:
                    most = max(most, pipe.received - pipe.sent)
                    await self.clock.sleep(0.002)
        return most


@contextlib.asynccontextmanager
async def blasting(
    *toxics: Toxic, buffer_bytes: int = BUFFER_BYTES, segment_bytes: int = 0
) -> AsyncIterator[Blast]:
    """A proxy with these toxics on what its server sends."""
    sending: set[asyncio.Task[None]] = set()

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sending.add(asyncio.current_task())  # type: ignore[arg-type] # it is one
        blast.accepted.append(writer.get_extra_info("socket"))
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                while True:
                    writer.write(BLOCK)
                    await writer.drain()
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(send, "127.90.21.2", 0)
    host, port = server.sockets[0].getsockname()[:2]
    clock = Clock()
    timers = Timers(clock)
    collection = Collection(Engine(clock, timers), Rng(3))
    wanted = Wanted(
        "a",
        "127.90.21.3:0",
        f"{host}:{port}",
        options=Options(buffer_bytes=buffer_bytes, segment_bytes=segment_bytes),
    )
    proxy = await collection.create(wanted)
    for kind, attributes in toxics:
        body: dict[str, Any] = {"name": kind, "type": kind, "stream": "downstream", "toxicity": 1.0}
        add_toxic(proxy, body, attributes)
    blast = Blast(proxy, clock)
    try:
        yield blast
    finally:
        for client in blast.clients:
            asyncio.get_running_loop().remove_reader(client)
            client.close()
        collection.close()
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        timers.close()
        server.close()


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize(
    "toxics",
    [
        [LATENCY, NARROW],
        [NARROW, LATENCY],
        [LATENCY, SHARED],
        [SHARED, LATENCY],
        [SLICED],
        [NARROW],
        [LATENCY, STILL],
    ],
    ids=lambda toxics: " ".join(kind for kind, _ in toxics),
)
async def test_whatever_holds_a_path_up_it_holds_a_buffer_and_no_more(
    toxics: list[Toxic], reads: bool
) -> None:
    async with blasting(*toxics) as blast:
        held = await blast.held(await blast.connection(reads=reads))
    assert 0.9 * BUFFER_BYTES < held < 1.1 * BUFFER_BYTES


async def test_a_client_that_reads_nothing_makes_its_server_wait() -> None:
    async with blasting() as blast:
        held = await blast.held(await blast.connection(reads=False))
    assert held <= READ_BYTES


async def test_a_proxy_may_have_a_buffer_of_another_size() -> None:
    async with blasting(LATENCY, NARROW, buffer_bytes=16_384) as blast:
        held = await blast.held(await blast.connection(reads=True))
    assert held < 20_000


@pytest.mark.parametrize("asked", [0, 1448])
async def test_both_ends_of_a_proxy_send_the_segments_that_it_asks_for(asked: int) -> None:
    """Kernels size what they buffer by it: 4 MB where segments are loopback's."""
    async with blasting(segment_bytes=asked) as blast:
        await blast.connection(reads=False)
        ends = blast.accepted[0], blast.clients[0]
        sizes = [end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) for end in ends]
    assert [size <= 1448 for size in sizes] == [asked == 1448] * 2


async def test_what_is_on_its_way_is_not_bounded_by_the_buffer() -> None:
    """At 100 Mbit/s a path of 40 ms carries 500 KB, and a sender fills it."""
    wide = ("bandwidth", {"rate": 12_500})
    async with blasting(wide, LATENCY) as blast:
        connection = await blast.connection(reads=True)
        pipe = connection.pipes["downstream"]
        most = 0
        async with blast.clock.timeout(10):
            while pipe.sent < 2_000_000:
                await blast.clock.sleep(0.001)
                most = max(most, pipe.received - pipe.sent)
    assert 500_000 < most < 1.2 * (500_000 + BUFFER_BYTES)


async def test_the_kernel_takes_no_more_than_a_buffer_for_a_client_that_does_not_read() -> None:
    async with blasting(LATENCY) as blast:
        connection = await blast.connection(reads=False)
        await blast.held(connection)
        pipe = connection.pipes["downstream"]
        unsent = pipe.destination.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert unsent == BUFFER_BYTES
        assert pipe.sent < 4 * BUFFER_BYTES


def test_what_connections_held_is_given_back_to_the_system() -> None:
    program = [sys.executable, "-m", "tests.network.held_memory"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
