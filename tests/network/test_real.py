"""A stock toxiproxy-server: started, watched, stopped; and links on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.network.links import Link, Links, LinkSpec
from sim.network.toxiproxy_api import LinkServerClient
from sim.network.toxiproxy_process import RealLinkServer
from sim.observe.events import PartFailed
from sim.observe.journal import Journal, only
from sim.topology.addresses import Endpoint
from tests.network.conftest import connected, serving
from tests.network.test_links import free_endpoint, silent

PROBE = b"ping"


@pytest.fixture
async def stock(stock_binary: str, clock: Clock, tmp_path: Path) -> AsyncIterator[RealLinkServer]:
    """A stock server that runs."""
    server = RealLinkServer(stock_binary, free_endpoint("127.90.30.1"), clock, tmp_path / "log")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def links(stock: RealLinkServer, clock: Clock) -> AsyncIterator[Links]:
    """Links on it."""
    client = LinkServerClient(stock.url, timeout_s=0.5)
    links = Links(client, clock, Journal(clock))
    yield links
    await links.close()
    await client.close()


def spec_to(upstream: Endpoint, rtt_ms: float = 20.0) -> LinkSpec:
    """A link to a server."""
    listen = free_endpoint("127.90.31.1")
    return LinkSpec("london", "fra", listen, upstream, rtt_ms, probe=PROBE)


@pytest.fixture
async def link(links: Links, upstream: Endpoint) -> Link:
    """A link to an echo server."""
    return await links.open(spec_to(upstream))


async def test_it_starts_answers_and_stops(stock: RealLinkServer) -> None:
    pid = stock.pid
    assert pid
    assert f"pid {pid}" in repr(stock)
    client = LinkServerClient(stock.url)
    about = await client.about()
    assert (about.embedded, about.silence) == (False, "data")
    await client.close()
    await stock.stop()
    await stock.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_taken_address_is_not_used(
    stock: RealLinkServer, clock: Clock, tmp_path: Path
) -> None:
    other = RealLinkServer(stock._binary, stock.endpoint, clock, tmp_path / "other")
    with pytest.raises(StartError, match="already listening"):
        await other.start()
    await other.stop()


async def test_a_program_that_dies_at_start_leaves_its_last_words(
    tmp_path: Path, clock: Clock
) -> None:
    program = tmp_path / "dying"
    program.write_text("#!/bin/sh\necho out of luck\nexit 1\n")
    program.chmod(0o755)
    server = RealLinkServer(str(program), free_endpoint("127.90.30.1"), clock, tmp_path / "log")
    with pytest.raises(StartError, match="out of luck"):
        await server.start()


async def test_a_program_that_is_none_is_said(tmp_path: Path, clock: Clock) -> None:
    server = RealLinkServer(
        str(tmp_path / "none"), free_endpoint("127.90.30.1"), clock, tmp_path / "log"
    )
    with pytest.raises(StartError, match=r"cannot start .*No such file"):
        await server.start()
    await server.stop()


async def test_its_death_is_told_and_it_can_be_started_again(
    stock: RealLinkServer, clock: Clock
) -> None:
    await stock.ping()
    assert stock.pid
    os.kill(stock.pid, signal.SIGKILL)

    async def ping_until_it_fails() -> None:
        while True:
            await stock.ping()
            await clock.sleep(0.005)

    with pytest.raises(StartError, match="ended; the last it printed"):
        await ping_until_it_fails()
    await stock.stop()
    await stock.start()
    await stock.ping()


async def test_links_open_and_slow_down_on_it(link: Link, links: Links, clock: Clock) -> None:
    assert not links.embedded
    await link.slow(latency_ms=30, bandwidth_kbps=1024)
    async with connected(link.spec.listen) as (reader, writer):
        begun = clock.real_ms()
        writer.write(PROBE)
        await reader.readexactly(4)
        assert clock.real_ms() - begun >= 48
    await link.heal()
    await clock.sleep(0.1)
    assert not list(only(links.journal.records, PartFailed))


async def test_a_handshake_is_left_out_on_it(links: Links, upstream: Endpoint) -> None:
    spec = replace(spec_to(upstream), handshake=True)
    assert [toxic.type for toxic in (await links.open(spec)).toxics] == ["latency", "latency"]


async def test_a_silent_partition_drops_connections_when_it_heals(link: Link, clock: Clock) -> None:
    async with connected(link.spec.listen) as (reader, writer):
        writer.write(PROBE)
        await reader.readexactly(4)
        await link.partition()
        writer.write(PROBE)
        assert await silent(reader, clock)
        await link.heal()
        assert await reader.read() == b""
    async with connected(link.spec.listen) as (reader, writer):
        writer.write(PROBE)
        assert await reader.readexactly(4) == PROBE


async def test_refusing_and_reset_work_on_it(link: Link) -> None:
    async with connected(link.spec.listen) as (reader, writer):
        writer.write(PROBE)
        await reader.readexactly(4)
        assert await link.reset() is None
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    await link.partition("refusing")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(link.spec.listen.host, link.spec.listen.port)
    await link.heal()


async def test_what_it_lacks_is_said(link: Link) -> None:
    with pytest.raises(InputError, match="loss needs the embedded link server"):
        await link.loss(1)
    with pytest.raises(InputError, match="`shared` needs the embedded link server"):
        await link.slow(bandwidth_kbps=64, shared=True)
    stats = await link.stats()
    assert stats.connections is None


async def test_a_stalled_connection_cannot_hang_a_link_for_good(links: Links, clock: Clock) -> None:
    """Its API hangs on such a connection; the proxy is then dropped and built anew."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(64) != b"flood":
            writer.write(b"x")
            return
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

    async with serving(flood) as upstream:
        link = await links.open(spec_to(upstream))
        async with connected(link.spec.listen) as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's transport
            writer.write(b"flood")
            await clock.sleep(0.5)
            async with clock.timeout(10):
                await link.slow(latency_ms=30)
        assert link.rtt_ms == 50
        await clock.sleep(0.2)
        assert not list(only(links.journal.records, PartFailed))
        async with connected(link.spec.listen) as (reader, writer):
            begun = clock.real_ms()
            writer.write(PROBE)
            await reader.readexactly(1)
            assert clock.real_ms() - begun >= 48
