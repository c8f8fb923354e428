"""Toxics that delay: latency, bandwidth, slicer, slow_close. Lower bounds are strict."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from tests.network.conformance.conftest import Api, Ends, Peer

EARLY_S = 0.002
LATE_S = 0.1  # for a busy machine; medians where many samples are at hand

pytestmark = pytest.mark.realtime


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


async def pair(api: Api, ends: Ends, *, echo: bool = False) -> tuple[Peer, Peer]:
    """A client and the server's end, through the proxy `a`."""
    upstream = await ends.upstream(echo=echo)
    client = await ends.dial(await api.proxy(upstream.endpoint))
    return client, await upstream.peer()


@pytest.mark.parametrize(
    ("up_ms", "down_ms", "size"),
    [(100, 0, 5), (0, 100, 5), (100, 100, 5), (300, 100, 5), (0, 0, 5), (100, 0, 32 * 1024)],
)
async def test_latency_is_one_way_and_adds_up_over_both(
    api: Api, ends: Ends, up_ms: int, down_ms: int, size: int
) -> None:
    client, peer = await pair(api, ends, echo=True)
    await api.toxic("latency", "upstream", latency=up_ms)
    await api.toxic("latency", "downstream", latency=down_ms)
    times = []
    for turn in (1, 2, 3):
        begun = now()
        client.send(b"x" * size)
        await client.receive(size * turn)
        times.append((now() - begun, peer.times[-1] - begun))
    trip, one_way = (statistics.median(t) for t in zip(*times, strict=True))
    assert up_ms / 1000 - EARLY_S <= one_way <= up_ms / 1000 + LATE_S
    assert (up_ms + down_ms) / 1000 - EARLY_S <= trip <= (up_ms + down_ms) / 1000 + LATE_S


async def test_two_latencies_on_one_stream_add_up(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    for name in ("one", "two"):
        await api.toxic("latency", "upstream", name, latency=200)
    begun = now()
    client.send(b"hello")
    await peer.receive(5)
    assert 0.4 - EARLY_S <= now() - begun <= 0.4 + LATE_S


async def test_chunks_overlap_in_flight_and_keep_their_order(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("latency", "upstream", latency=200)
    begun, sent = now(), []
    for number in range(30):
        sent.append(now())
        client.send(bytes([number]) * 8)
        await asyncio.sleep(0.01)  # noqa: TID251 - the pace of the stream
    data = await peer.receive(240)
    assert data == b"".join(bytes([number]) * 8 for number in range(30))
    delays = [arrived - left for arrived, left in zip(peer.arrivals(8), sent, strict=True)]
    assert min(delays) >= 0.2 - EARLY_S
    assert statistics.median(delays) <= 0.2 + LATE_S
    assert now() - begun <= 1.5


async def test_a_stream_under_latency_is_not_slowed(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("latency", "upstream", latency=100)
    begun = now()
    client.send(b"x" * 20_000_000)
    await peer.receive(20_000_000)
    assert now() - begun <= 2.0  # at least 10 MB/s on any machine


async def test_latency_does_not_touch_connecting(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    endpoint = await api.proxy(upstream.endpoint)
    await api.toxic("latency", "upstream", latency=500)
    begun = now()
    await ends.dial(endpoint)
    assert now() - begun <= LATE_S


async def test_toggling_latency_neither_loses_nor_reorders(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    chunks = [number.to_bytes(2, "big") for number in range(20_000)]
    done = False

    async def toggle() -> None:
        while not done:
            await api.toxic("latency", "upstream", latency=1000)
            await api("DELETE", "proxies/a/toxics/latency_upstream")

    toggling = asyncio.create_task(toggle())
    for position, chunk in enumerate(chunks):
        client.send(chunk)
        if position % 100 == 0:
            await asyncio.sleep(0)  # noqa: TID251 - let the others run
    await peer.receive(40_000)
    done = True
    await toggling
    client.transport.close()
    await peer.end()
    assert bytes(peer.data) == b"".join(chunks)


async def test_removing_latency_delivers_what_is_in_flight(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("latency", "upstream", latency=5000)
    for _ in range(3):
        client.send(b"hello")
        await asyncio.sleep(0.02)  # noqa: TID251 - three chunks, not one
    assert not peer.data
    begun = now()
    await api("DELETE", "proxies/a/toxics/latency_upstream")
    assert await peer.receive(15) == b"hello" * 3
    assert now() - begun <= LATE_S


async def test_bandwidth_is_the_rate(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("bandwidth", "upstream", rate=1000)
    begun = now()
    client.send(b"x" * 480_000)
    await peer.receive(480_000)
    assert 0.48 - 0.01 <= now() - begun <= 0.48 + LATE_S


async def test_bandwidth_0_stands_still_and_loses_nothing(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("bandwidth", "upstream", rate=0)
    client.send(b"hello")
    assert await peer.quiet()
    await api("DELETE", "proxies/a/toxics/bandwidth_upstream")
    assert await peer.receive(5) == b"hello"


async def test_a_slicer_of_one_byte_cuts_every_byte(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("slicer", "upstream", average_size=1, size_variation=0, delay=5000)
    begun = now()
    client.send(b"abcdefghijklmnopqrstuvwx")
    assert await peer.receive(24) == b"abcdefghijklmnopqrstuvwx"
    assert peer.pieces == [1] * 24
    assert now() - begun >= 23 * 0.005 - EARLY_S


async def test_a_slicer_cuts_around_its_average(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("slicer", "upstream", average_size=1024, size_variation=512, delay=300)
    client.send(b"x" * 100_000)
    await peer.receive(100_000)
    assert 50 <= len(peer.pieces) <= 200


async def test_slow_close_delays_the_end_and_not_the_data(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("slow_close", "downstream", delay=300)
    begun = now()
    peer.send(b"hello")
    peer.transport.close()
    await client.receive(5)
    assert now() - begun <= LATE_S
    assert 0.3 - EARLY_S <= await client.end() - begun <= 0.3 + LATE_S


async def test_toxicity_is_rolled_for_each_connection(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint)
    body = {"type": "latency", "toxicity": 0.5, "attributes": {"latency": 500}}
    await api.post("proxies/a/toxics", body)
    clients = [await ends.dial(endpoint) for _ in range(200)]
    rolls = []
    for turn in (1, 2):
        sent = []
        for client in clients:
            sent.append(now())
            client.send(b"x")
        for client in clients:
            await client.receive(turn)
        rolls.append(
            [client.times[-1] - at > 0.4 for client, at in zip(clients, sent, strict=True)]
        )
    assert 70 <= sum(rolls[0]) <= 130
    assert rolls[0] == rolls[1]
