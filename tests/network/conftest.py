"""A link server, its client, and programs to put behind a link."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from sim.clock import Clock
from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.network.toxiproxy_api import LinkServerClient
from sim.rng import Rng
from sim.topology.addresses import Endpoint

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
HOST = "127.90.0.1"


@pytest.fixture(scope="session")
def stock_binary() -> str:
    """A stock toxiproxy-server, built where there is Go; without it the test is skipped."""
    install = Path(__file__).parent / "install_toxiproxy.sh"
    built = subprocess.run([str(install)], capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(built.stderr.strip().splitlines()[-1])
    return built.stdout.strip()


@pytest.fixture
async def clock() -> Clock:
    """Real time."""
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[EmbeddedLinkServer]:
    """An embedded link server."""
    server = EmbeddedLinkServer(Endpoint(HOST, 0), clock, Rng(1))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: EmbeddedLinkServer) -> AsyncIterator[LinkServerClient]:
    """A client of it."""
    client = LinkServerClient(server.url)
    yield client
    await client.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say everything back."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def serving(serve: Serve = echo) -> AsyncIterator[Endpoint]:
    """A TCP server for the length of a block; its handlers are over at the end of it."""
    handlers: set[asyncio.Task[None]] = set()

    def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task that is cancelled before its first step has no `finally` to close in.
        task = asyncio.create_task(serve(reader, writer))
        handlers.add(task)
        task.add_done_callback(lambda _: writer.close())
        task.add_done_callback(handlers.discard)

    server = await asyncio.start_server(handle, "127.90.0.2", 0)
    try:
        yield Endpoint(*server.sockets[0].getsockname()[:2])
    finally:
        server.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


@pytest.fixture(name="serving")
def serving_fixture() -> Callable[[Serve], AbstractAsyncContextManager[Endpoint]]:
    """Starts a TCP server for the length of a block."""
    return serving


@pytest.fixture
async def upstream() -> AsyncIterator[Endpoint]:
    """An echo server."""
    async with serving() as endpoint:
        yield endpoint


@contextlib.asynccontextmanager
async def connected(
    endpoint: Endpoint,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A TCP connection for the length of a block."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def endpoint_of(proxy: dict[str, object]) -> Endpoint:
    """Where a proxy listens."""
    host, _, port = str(proxy["listen"]).rpartition(":")
    return Endpoint(host, int(port))
