"""The embedded server as a whole: its life, its seed, its odd visitors."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path

import pytest

from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.network.link_spec import ProxySpec, ToxicSpec
from sim.network.toxiproxy_api import LinkServerClient, LinkServerError
from sim.rng import Rng
from sim.topology.addresses import Endpoint
from tests.network.conftest import HOST, connected, endpoint_of, serving


async def test_stop_is_idempotent_and_allows_another_start(clock: Clock) -> None:
    server = EmbeddedLinkServer(Endpoint(HOST, 0), clock, Rng(1))
    await server.stop()
    for _ in range(2):
        await server.start()
        client = LinkServerClient(server.url)
        assert await client.proxies() == {}
        await client.close()
        await server.stop()
        await server.stop()


async def test_a_taken_address_is_said_with_a_remedy(
    server: EmbeddedLinkServer, clock: Clock
) -> None:
    other = EmbeddedLinkServer(server.endpoint, clock, Rng(1))
    with pytest.raises(EnvironmentLacksError, match=rf"cannot listen on {server.endpoint}"):
        await other.start()
    await other.stop()


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("toxic", "size", "takes_s"),
    [
        (ToxicSpec("latency", "upstream", {"latency": 600}), 1, 0.6),
        (ToxicSpec("handshake", "upstream", {"rtt": 600}), 1, 0.6),
        (ToxicSpec("bandwidth", "upstream", {"rate": 100}), 60_000, 0.6),
        (ToxicSpec("slicer", "upstream", {"average_size": 10, "delay": 100_000}), 60, 0.5),
        (ToxicSpec("slow_close", "upstream", {"delay": 600}), 0, 0.6),
    ],
    ids=lambda value: value.type if isinstance(value, ToxicSpec) else None,
)
async def test_toxics_take_their_time_by_the_worlds_clock(
    toxic: ToxicSpec, size: int, takes_s: float
) -> None:
    """At speed 10 a tenth of it in real time, which must be less than half of it at least."""
    clock = Clock(10)
    whole: asyncio.Queue[float] = asyncio.Queue()

    async def note(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        if size:
            await reader.readexactly(size)
        else:
            await reader.read()
        whole.put_nowait(clock.now())

    server = EmbeddedLinkServer(Endpoint(HOST, 0), clock, Rng(1))
    await server.start()
    client = LinkServerClient(server.url)
    async with serving(note) as upstream:
        proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", str(upstream)))
        await client.put_toxic("a", toxic)
        async with connected(endpoint_of(proxy)) as (_, writer):
            begun = clock.now()
            writer.write(b"x" * size)
            if not size:
                writer.write_eof()
            took_s = await whole.get() - begun
    await client.close()
    await server.stop()
    assert takes_s * 0.95 <= took_s < takes_s * 5


async def test_stopping_ends_connections(server: EmbeddedLinkServer, upstream: Endpoint) -> None:
    client = LinkServerClient(server.url)
    proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", str(upstream)))
    await client.close()
    async with connected(endpoint_of(proxy)) as (reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        await server.stop()
        assert await reader.read() == b""


async def test_repr_is_a_status_line(server: EmbeddedLinkServer) -> None:
    assert repr(server) == f"<EmbeddedLinkServer {server.url}, serving>"
    await server.stop()
    assert repr(server) == f"<EmbeddedLinkServer {server.url}, stopped>"


async def delays_ms(seed: int, clock: Clock) -> list[float]:
    """One-way delays under jitter on a fresh server of that seed."""
    arrived: asyncio.Queue[float] = asyncio.Queue()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1):
            arrived.put_nowait(clock.real_ms())
            writer.write(b"x")

    server = EmbeddedLinkServer(Endpoint(HOST, 0), clock, Rng(seed))
    await server.start()
    client = LinkServerClient(server.url)
    async with serving(note) as upstream:
        proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", str(upstream)))
        await client.put_toxic("a", ToxicSpec("latency", "upstream", {"latency": 60, "jitter": 60}))
        delays = []
        async with connected(endpoint_of(proxy)) as (reader, writer):
            for _ in range(5):
                begun = clock.real_ms()
                writer.write(b"x")
                delays.append(await arrived.get() - begun)
                await reader.readexactly(1)
    await client.close()
    await server.stop()
    return delays


@pytest.mark.realtime
async def test_the_same_seed_gives_the_same_jitter(clock: Clock) -> None:
    first, again, other = [await delays_ms(seed, clock) for seed in (1, 1, 2)]
    same = sorted(abs(a - b) for a, b in zip(first, again, strict=True))
    different = sorted(abs(a - b) for a, b in zip(first, other, strict=True))
    assert same[2] < 5  # the median of five
    assert different[2] > 5


@pytest.mark.parametrize("listen", ["\x00:1", "ä\x00b:1", "::1:1", "[::1%é]:1", "[::1", "x:-1"])
async def test_an_odd_listen_is_an_error_and_no_more(client: LinkServerClient, listen: str) -> None:
    with pytest.raises(LinkServerError) as caught:
        await client.upsert(ProxySpec("a", listen, "x:1"))
    assert caught.value.status == 500
    assert "listen tcp" in caught.value.message
    assert await client.proxies() == {}


@pytest.mark.parametrize(
    "upstream", ["\x00:1", "[::1%é]:1", "no.such.host.invalid:1", "127.90.0.9"]
)
async def test_an_odd_upstream_ends_each_connection(
    client: LinkServerClient, upstream: str
) -> None:
    proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", upstream))
    async with connected(endpoint_of(proxy)) as (reader, _):
        assert await reader.read() == b""


async def test_a_lone_surrogate_becomes_a_replacement_character(client: LinkServerClient) -> None:
    await client._call(
        "POST", "proxies", body={"name": "\ud800", "upstream": "x:1", "enabled": False}
    )
    assert list(await client.proxies()) == ["\ufffd"]


async def test_a_connection_is_closed_when_it_is_deleted_while_being_dialled(
    client: LinkServerClient,
) -> None:
    proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", "no.such.host.invalid:1"))
    async with connected(endpoint_of(proxy)) as (reader, _):
        await client.delete("a")
        assert await reader.read() == b""


def descriptors() -> int:
    """How many this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_an_upstream_that_hangs_holds_nothing_up(
    client: LinkServerClient, upstream: Endpoint, clock: Clock
) -> None:
    """A listener whose queue is full answers no SYN: dialling it hangs."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.90.0.5", 0))
        full.listen(0)
        host, port = full.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex((host, port))
        await client.proxies()  # its connection to the server stays open
        before = descriptors()
        proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", f"{host}:{port}"))
        async with connected(endpoint_of(proxy)) as (reader, _), clock.timeout(5):
            other = await client.upsert(ProxySpec("b", f"{HOST}:0", str(upstream)))
            async with connected(endpoint_of(other)) as (second, writer):
                writer.write(b"x")
                assert await second.readexactly(1) == b"x"
            assert not reader.at_eof()
            await client.delete("a")
            await client.delete("b")
            assert await reader.read() == b""
        async with clock.timeout(5):
            while descriptors() > before:
                await clock.sleep(0.01)


@pytest.mark.realtime
async def test_on_its_own_it_says_where_and_ends_with_a_signal() -> None:
    command = [sys.executable, "-m", "sim.network.embedded", "--host", HOST, "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, "--seed", "5", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    line = (await process.stderr.readline()).decode()
    assert line.startswith(f"link server at http://{HOST}:")
    assert line.endswith(", seed 5\n")
    client = LinkServerClient(line.split()[3].rstrip(","))
    assert (await client.about()).version == "2.12.0+embedded"
    await client.close()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
