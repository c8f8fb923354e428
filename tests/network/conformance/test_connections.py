"""Connections through a proxy without toxics: bytes, ends, refusals."""

from __future__ import annotations

import asyncio

import pytest

from sim.rng import Rng
from tests.network.conformance.conftest import Api, Ends, free_endpoint


@pytest.mark.parametrize("messages", [[b"hello"], [b"hello", b"world"], [b"x" * 65536]])
async def test_the_server_receives_exactly_what_was_sent_and_then_the_end(
    api: Api, ends: Ends, messages: list[bytes]
) -> None:
    upstream = await ends.upstream()
    client = await ends.dial(await api.proxy(upstream.endpoint))
    for message in messages:
        client.send(message)
    client.transport.close()
    peer = await upstream.peer()
    await peer.end()
    assert bytes(peer.data) == b"".join(messages)


async def test_both_directions_carry_bytes(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    client = await ends.dial(await api.proxy(upstream.endpoint))
    client.send(b"x" * 100_000)
    assert await client.receive(100_000) == b"x" * 100_000


async def test_a_slow_reader_gets_everything_in_order(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    client = await ends.dial(await api.proxy(upstream.endpoint))
    peer = await upstream.peer()
    client.transport.pause_reading()
    data = Rng(1).randbytes(20_000_000)
    peer.send(data)
    await peer.stuffed()
    client.transport.resume_reading()
    assert await client.receive(len(data)) == data


async def test_with_the_server_down_connecting_works_and_ends_at_once(api: Api, ends: Ends) -> None:
    client = await ends.dial(await api.proxy(free_endpoint()))
    await client.end(within_s=2)
    assert not client.data


async def test_an_upstream_that_is_no_address_ends_each_connection(api: Api, ends: Ends) -> None:
    client = await ends.dial(await api.proxy("http://x"))
    await client.end()
    assert not client.data


async def test_an_upstream_may_be_a_name(api: Api, ends: Ends) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = await ends.dial(await api.proxy(f"localhost:{port}"))
    assert await client.quiet()
    server.close()


async def test_disabling_ends_open_connections_at_once(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    client = await ends.dial(await api.proxy(upstream.endpoint))
    peer = await upstream.peer()
    await api.post("proxies/a", {"enabled": False})
    await client.end(within_s=2)
    await peer.end(within_s=2)


async def test_a_half_close_ends_both_directions(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    client = await ends.dial(await api.proxy(upstream.endpoint))
    peer = await upstream.peer()
    client.transport.write_eof()
    await peer.end()
    peer.send(b"too late")
    await client.end()
    assert not client.data


async def test_a_reply_under_way_survives_the_half_close(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    client = await ends.dial(await api.proxy(upstream.endpoint))
    await api.toxic("latency", latency=300)
    peer = await upstream.peer()
    peer.send(b"reply")
    await asyncio.sleep(0.1)  # noqa: TID251 - the reply has to be inside the proxy
    client.transport.write_eof()
    assert await client.receive(5) == b"reply"
    await client.end()


async def test_reset_of_the_server_keeps_a_live_connection(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    client = await ends.dial(await api.proxy(upstream.endpoint))
    await api.toxic("noop", "upstream")
    await api.toxic("noop", "downstream")
    for turn in (1, 2):
        assert (await api.post("reset")).status == 204
        client.send(b"ping")
        assert await client.receive(4 * turn) == b"ping" * turn
