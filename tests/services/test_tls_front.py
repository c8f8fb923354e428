"""A real PostgreSQL behind TLS, as hosted ones are reached."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from sim.authority import CertificateAuthority
from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.observe.events import PartFailed
from sim.observe.journal import Journal, only
from sim.services.borrowed import VARIABLE
from sim.services.database import WorldDatabase
from sim.services.tls_front import SSL_REQUEST, TlsFront
from sim.streams.forwarder import TcpForwarder
from sim.topology.addresses import Endpoint
from sim.topology.model import Database
from sim.trust import bundle
from tests.services.test_postgres import MEMORY, free_port
from tests.slot import address

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOOR = address("151.2")


class Bench:
    """A database that speaks TLS, and a region's link to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(Clock())
        self.authority = CertificateAuthority("demo.fly.dev")
        self.door = Endpoint(DOOR, free_port())
        inside = Endpoint(address("250.1"), free_port())
        self.front = TlsFront(
            Endpoint(address("250.2"), free_port()),
            inside,
            lambda: self.authority.vouch_for(DOOR),
            self.journal,
        )
        self.link = TcpForwarder(self.door, self.front.endpoint)
        asked = Database("database", "iad", sslmode="verify-full")
        mark = {"SIM_WORLD": "w1"}
        self.database = WorldDatabase(asked, inside, folder, Clock(), mark, front=self.front)

    @property
    def url(self) -> str:
        return self.database.variables(self.door, {})["DATABASE_URL"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        made = Bench(Path(folder))
        await made.database.start()
        await made.link.open()
        yield made
        made.link.close()
        await made.database.stop()
        assert list(only(made.journal.records, PartFailed)) == []


@pytest_asyncio.fixture(loop_scope="module")
async def roots(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of those that a client trusts."""
    file = bundle(bench.folder, (await bench.authority.credentials()).certificate, {})
    monkeypatch.setenv("PGSSLROOTCERT", str(file))
    return file


def tls_of(connection: Any) -> Any:
    return connection._transport.get_extra_info("ssl_object")


async def test_verify_full_works_by_the_address_of_the_link(bench: Bench, roots: Path) -> None:
    assert bench.url.endswith(f"@{bench.door}/gateway?sslmode=verify-full")
    connection = await asyncpg.connect(bench.url)
    try:
        assert tls_of(connection).version() in ("TLSv1.2", "TLSv1.3")
        assert await connection.fetchval("SELECT repeat('x', 1000000)") == "x" * 1_000_000
    finally:
        await connection.close()


async def test_who_does_not_know_the_authority_or_the_address_is_not_connected(
    bench: Bench, roots: Path
) -> None:
    elsewhere = bench.url.replace(str(bench.door), str(bench.front.endpoint))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        await asyncpg.connect(elsewhere)
    credentials = await CertificateAuthority("demo.fly.dev").credentials()
    assert bundle(bench.folder, credentials.certificate, {}) == roots
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        await asyncpg.connect(bench.url)


@pytest.mark.parametrize("sslmode", ["require", "prefer", "disable"])
async def test_less_is_asked_of_it_and_is_served(bench: Bench, sslmode: str) -> None:
    connection = await asyncpg.connect(bench.url.replace("verify-full", sslmode))
    try:
        assert (tls_of(connection) is None) == (sslmode == "disable")
    finally:
        await connection.close()


async def test_a_client_that_leaves_in_the_handshake_is_no_failure(bench: Bench) -> None:
    reader, writer = await asyncio.open_connection(bench.door.host, bench.door.port)
    writer.write(bytes.fromhex("0000000804d21630"))  # GSSENCRequest, as libpq asks first
    assert await reader.readexactly(1) == b"N"
    writer.write(SSL_REQUEST)
    assert await reader.readexactly(1) == b"S"
    writer.write(b"no TLS at all")
    assert await reader.read() == b""
    writer.close()


async def test_a_client_that_says_nothing_is_let_go_when_the_server_gives_it_up() -> None:
    """As by PostgreSQL's authentication_timeout."""
    gives_up = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gives_up.wait()
        writer.close()

    server = await asyncio.start_server(serve, address("250.3"), 0)
    there = Endpoint(*server.sockets[0].getsockname()[:2])
    here = Endpoint(address("250.4"), free_port())
    authority = CertificateAuthority("demo.fly.dev")
    front = TlsFront(here, there, lambda: authority.vouch_for(DOOR), Journal(Clock()))
    await front.open()
    reader, writer = await asyncio.open_connection(here.host, here.port)
    gives_up.set()
    async with Clock().timeout(10):
        assert await reader.read() == b""
    writer.close()
    await front.close()
    server.close()


@pytest.mark.skipif(not shutil.which("psql"), reason="psql is not installed")
@pytest.mark.parametrize("sslmode", ["verify-full", "require"])
async def test_libpq_is_satisfied(bench: Bench, roots: Path, sslmode: str) -> None:
    url = bench.url.replace("verify-full", sslmode)
    process = await asyncio.create_subprocess_exec(
        *("psql", url, "--no-psqlrc", "--command", r"\conninfo"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert b"SSL connection (protocol: TLSv1.3" in said


async def test_a_server_that_is_lent_has_no_certificate_of_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql://lent@127.0.0.1:1/postgres")
    asked = Database("database", "iad", sslmode="require")
    lent = WorldDatabase(asked, Endpoint(DOOR, 1), bench.folder, Clock(), {}, front=bench.front)
    with pytest.raises(EnvironmentLacksError, match="no certificate of this world's"):
        await lent.start()
