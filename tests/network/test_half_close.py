"""A link keeps a connection open of which one side has ended; a proxy as Toxiproxy's does not."""

from __future__ import annotations

import asyncio

import pytest

from sim.network.link_spec import ProxySpec, ToxicSpec
from sim.network.toxiproxy_api import LinkServerClient, LinkServerError
from tests.network.conftest import HOST, connected, endpoint_of, serving


async def answers_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hear all, then answer: what `nc -N` and HTTP/1.0 count on."""
    writer.write(b"you said " + await reader.read())


async def ends_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say goodbye, then hear all."""
    writer.write(b"bye")
    writer.write_eof()
    heard.put_nowait(await reader.read())


heard: asyncio.Queue[bytes] = asyncio.Queue()


@pytest.mark.parametrize(("half_close", "expected"), [(True, b"you said all"), (False, b"")])
async def test_a_client_that_has_ended_its_side_gets_its_answer(
    client: LinkServerClient, half_close: bool, expected: bytes
) -> None:
    async with serving(answers_at_the_end) as upstream:
        spec = ProxySpec("a", f"{HOST}:0", str(upstream), half_close=half_close)
        proxy = await client.upsert(spec)
        await client.put_toxic("a", ToxicSpec("latency", "upstream", {"latency": 20}))
        async with connected(endpoint_of(proxy)) as (reader, writer):
            writer.write(b"all")
            writer.write_eof()
            assert await reader.read() == expected


async def test_a_server_that_has_ended_its_side_still_hears_the_client(
    client: LinkServerClient,
) -> None:
    async with serving(ends_first) as upstream:
        spec = ProxySpec("a", f"{HOST}:0", str(upstream), half_close=True)
        async with connected(endpoint_of(await client.upsert(spec))) as (reader, writer):
            assert await reader.read() == b"bye"
            writer.write(b"all the same")
            writer.write_eof()
            assert await heard.get() == b"all the same"


async def test_the_verdict_of_a_toxic_ends_both_sides(client: LinkServerClient) -> None:
    async with serving(answers_at_the_end) as upstream:
        proxy = await client.upsert(ProxySpec("a", f"{HOST}:0", str(upstream), half_close=True))
        await client.put_toxic("a", ToxicSpec("limit_data", "upstream", {"bytes": 2}))
        async with connected(endpoint_of(proxy)) as (reader, writer):
            writer.write(b"all")
            assert await reader.read() == b""


async def test_what_no_stock_proxy_has_can_be_read_and_changed(client: LinkServerClient) -> None:
    made = await client.upsert(ProxySpec("a", f"{HOST}:0", "127.0.0.1:9"))
    assert (made["half_close"], made["buffer_bytes"], made["segment_bytes"]) == (False, 131_072, 0)
    spec = ProxySpec("a", made["listen"], "127.0.0.1:9", half_close=True, buffer_bytes=8192)
    changed = await client.upsert(spec)
    assert (changed["half_close"], changed["buffer_bytes"]) == (True, 8192)
    with pytest.raises(LinkServerError, match="buffer_bytes must be 4096 to 67108864"):
        await client.upsert(ProxySpec("b", f"{HOST}:0", "127.0.0.1:9", buffer_bytes=1))
    with pytest.raises(LinkServerError, match="segment_bytes must be 88 to 32767"):
        await client.upsert(ProxySpec("b", f"{HOST}:0", "127.0.0.1:9", segment_bytes=65_535))
