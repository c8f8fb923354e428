"""A database server for all tests of the gateway, a database for each, and a link to cut."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web

from sim.clock import Clock
from sim.gateway.app import Gateway, Identity
from sim.gateway.store import Store, Variant
from sim.gateway.tables import STORED
from sim.services.postgres import Postgres
from sim.topology.addresses import Endpoint

HOST = "127.92.3.1"
CORRECT = Variant()
_numbers = count(1)


@pytest.fixture(scope="session")
def memory() -> str | None:
    """Where a cluster is made quickly: it has 1300 files, and ext4 is slow after many deletions."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - only as a parent


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(memory: str | None) -> AsyncIterator[Postgres]:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        endpoint = Endpoint(*sock.getsockname())
    with TemporaryDirectory(dir=memory) as folder:
        made = Postgres(endpoint, Path(folder), Clock(), {"SIM_WORLD": "test"})
        await made.start()
        yield made
        await made.stop()


@pytest.fixture
async def database(postgres: Postgres) -> str:
    """The URL of an empty database: a schema of its own, which is as good and quickly made."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(postgres.url())
    await connection.execute(f"CREATE SCHEMA {name}")
    await connection.close()
    return f"{postgres.url()}&search_path={name}"


class Link:
    """A link to the database: `silence` holds back what it answers, `cut` refuses and breaks."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._port = 0

    @property
    def url(self) -> str:
        netloc = f"{self._url.username}:{self._url.password}@{HOST}:{self._port}"
        return self._url._replace(netloc=netloc).geturl()

    async def heal(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()

    def silence(self) -> None:
        self._speaking.clear()

    def speak(self) -> None:
        self._speaking.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        database = await asyncio.open_connection(self._url.hostname, self._url.port)
        self._writers |= {writer, database[1]}
        try:
            await asyncio.gather(
                self._pipe(reader, database[1]), self._pipe(database[0], writer, self._speaking)
            )
        finally:
            for each in (writer, database[1]):
                each.transport.abort()
                self._writers.discard(each)

    async def _pipe(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        allowed: asyncio.Event | None = None,
    ) -> None:
        try:
            while data := await reader.read(65536):
                if allowed:
                    await allowed.wait()
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@pytest.fixture
async def link(database: str) -> AsyncIterator[Link]:
    made = Link(database)
    await made.heal()
    yield made
    made.speak()
    await made.cut()


class Machine:
    """A gateway in this process: where it is, and the sessions that are had with it."""

    def __init__(self, gateway: Gateway, base: str, http: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.base = base
        self.http = http

    async def connect(self, path: str, **query: str) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket whose receiving fails, rather than hangs, when nothing comes."""
        timeout = aiohttp.ClientWSTimeout(ws_receive=10.0, ws_close=10.0)
        return await self.http.ws_connect(f"{self.base}/{path}", params=query, timeout=timeout)

    async def open(self, session: str = "s") -> tuple[aiohttp.ClientWebSocketResponse, Any]:
        """A connection to a session, and the ready frame."""
        socket = await self.connect("session", id=session)
        return socket, await socket.receive_json()


@asynccontextmanager
async def serving(url: str | None, region: str, variant: Variant) -> AsyncIterator[Machine]:
    clock = Clock()
    store = Store(url, region, f"{region}-1", variant, clock) if url else None
    gateway = Gateway(Identity("atlas", region, f"{region}-1"), store, variant, clock)
    runner = web.AppRunner(gateway.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    if store:
        store.start()
    async with aiohttp.ClientSession() as http:
        yield Machine(gateway, site.name, http)
    await runner.cleanup()
    if store:
        await store.stop()


Serve = Callable[..., Awaitable[Machine]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """What runs gateways until the end of the test, by database URL, region and variant."""
    async with AsyncExitStack() as stack:

        async def start(
            url: str | None, region: str = "fra", variant: Variant = CORRECT
        ) -> Machine:
            return await stack.enter_async_context(serving(url, region, variant))

        yield start


Stored = Callable[[str], Awaitable[list[tuple[str, int, str]]]]


@pytest.fixture
def stored() -> Stored:
    """What a database holds: (session, seq, region) in the order of storing."""

    async def read(url: str) -> list[tuple[str, int, str]]:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(STORED)
        await connection.close()
        return [(row["session"], row["seq"], row["region"]) for row in rows]

    return read
