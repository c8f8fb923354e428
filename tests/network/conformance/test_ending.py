"""Toxics that end connections: timeout, limit_data, reset_peer."""

from __future__ import annotations

import asyncio

import pytest

from tests.network.conformance.conftest import Api, Ends
from tests.network.conformance.test_timing import EARLY_S, LATE_S, now, pair


@pytest.mark.realtime
async def test_timeout_ends_both_sides_after_its_silence(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    begun = now()
    await api.toxic("timeout", "upstream", timeout=100)
    for side in (client, peer):
        assert 0.1 - EARLY_S <= await side.end() - begun <= 0.1 + 2 * LATE_S


@pytest.mark.realtime
async def test_each_chunk_restarts_the_silence(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("timeout", "upstream", timeout=300)
    for _ in range(5):
        client.send(b"x")
        last = now()
        await asyncio.sleep(0.1)  # noqa: TID251 - the pace of the stream
    assert await peer.end() - last >= 0.3 - EARLY_S
    assert not peer.data


async def test_timeout_0_is_silent_until_removed_and_then_ends(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("timeout", "upstream", timeout=0)
    client.send(b"lost")
    assert await peer.quiet()
    await api("DELETE", "proxies/a/toxics/timeout_upstream")
    await client.end(within_s=1)
    await peer.end(within_s=1)
    assert not peer.data


async def test_timeout_on_one_stream_leaves_the_other_alone(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("timeout", "upstream", timeout=0)
    peer.send(b"hello")
    assert await client.receive(5) == b"hello"


async def test_latency_before_a_timeout_can_be_removed(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("latency", "upstream", latency=1000)
    await api.toxic("timeout", "upstream", timeout=0)
    client.send(b"stuck")
    assert await peer.quiet(0.05)
    begun = now()
    assert (await api("DELETE", "proxies/a/toxics/latency_upstream")).status == 204
    assert now() - begun < 1


@pytest.mark.parametrize(
    ("limit", "sent", "passed"),
    [(100, [100], 100), (100, [150], 100), (100, [90, 20], 100), (0, [10], 0)],
)
async def test_limit_data_passes_so_much_and_ends(
    api: Api, ends: Ends, limit: int, sent: list[int], passed: int
) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("limit_data", "upstream", bytes=limit)
    assert await client.quiet(0.05)
    for size in sent:
        client.send(b"x" * size)
        await asyncio.sleep(0.02)  # noqa: TID251 - a chunk of its own
    await peer.end()
    await client.end()
    assert len(peer.data) == passed


async def test_below_the_limit_the_connection_stays_open(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("limit_data", "upstream", bytes=100)
    client.send(b"x" * 50)
    await peer.receive(50)
    assert await peer.quiet()


async def test_a_raised_limit_counts_what_has_passed(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("limit_data", "upstream", bytes=10)
    client.send(b"x" * 6)
    await peer.receive(6)
    await api.post("proxies/a/toxics/limit_data_upstream", {"attributes": {"bytes": 20}})
    client.send(b"x" * 30)
    await peer.end()
    assert len(peer.data) == 20


async def test_limit_data_counts_each_connection(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    endpoint = await api.proxy(upstream.endpoint)
    await api.toxic("limit_data", "upstream", bytes=100)
    for _ in range(2):
        client = await ends.dial(endpoint)
        client.send(b"x" * 99)
        peer = await upstream.peer()
        await peer.receive(99)
        assert await peer.quiet(0.05)


@pytest.mark.realtime
@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("timeout_ms", [0, 100])
async def test_reset_peer_resets_a_new_connection_that_talks(
    api: Api, ends: Ends, stream: str, timeout_ms: int
) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint)
    await api.toxic("reset_peer", stream, timeout=timeout_ms)
    client = await ends.dial(endpoint)
    begun = now()
    client.send(b"hello\n")
    ended = await client.end() - begun
    assert isinstance(client.error, ConnectionResetError)
    assert timeout_ms / 1000 - EARLY_S <= ended <= timeout_ms / 1000 + LATE_S
    assert not client.data


async def test_reset_peer_leaves_an_idle_connection_open(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    endpoint = await api.proxy(upstream.endpoint)
    await api.toxic("reset_peer", "upstream", timeout=0)
    client = await ends.dial(endpoint)
    assert await client.quiet(0.2)


async def test_a_toxic_of_toxicity_0_does_nothing(api: Api, ends: Ends) -> None:
    client, _ = await pair(api, ends, echo=True)
    body = {"type": "timeout", "stream": "upstream", "toxicity": 0}
    assert (await api.post("proxies/a/toxics", body)).status == 200
    client.send(b"hello")
    assert await client.receive(5) == b"hello"


async def test_a_thousand_connections_each_under_a_toxic_of_its_own(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    endpoint = await api.proxy(upstream.endpoint)
    for _ in range(1000):
        await api.toxic("latency", "upstream", latency=10)
        client = await ends.dial(endpoint)
        client.send(b"hello")
        client.transport.close()
        assert (await api("DELETE", "proxies/a/toxics/latency_upstream")).status == 204
    async with asyncio.timeout(10):  # noqa: TID251 - the machine's own patience
        for _ in range(1000):
            peer = await upstream.accepted.get()
            await peer.end()
            assert peer.data == b"hello"
