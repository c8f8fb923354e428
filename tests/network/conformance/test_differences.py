"""What the embedded server does differently on purpose. docs/links.md says why."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator

import aiohttp
import pytest

from sim.clock import Clock
from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.rng import Rng
from sim.topology.addresses import Endpoint
from tests.network.conformance.conftest import Api, Ends, refused
from tests.network.conformance.test_timing import EARLY_S, LATE_S, now, pair


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """The embedded server alone."""
    server = EmbeddedLinkServer(Endpoint("127.90.11.1", 0), Clock(), Rng(7))
    await server.start()
    async with aiohttp.ClientSession(headers={"User-Agent": "conformance"}) as session:
        yield Api(session, server.endpoint)
    await server.stop()


async def test_a_failed_move_leaves_the_proxy_where_it_was(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint)
    other = await api.proxy(upstream.endpoint, "b")
    client = await ends.dial(endpoint)
    assert (await api.post("proxies/a", {"listen": str(other)})).status == 500
    proxy = (await api.get("proxies/a")).json
    assert (proxy["enabled"], proxy["listen"]) == (True, str(endpoint))
    assert not await refused(endpoint)
    client.send(b"still here")
    assert await client.receive(10) == b"still here"


async def test_a_bad_attribute_leaves_the_others_unchanged(api: Api, ends: Ends) -> None:
    await api.proxy((await ends.upstream()).endpoint)
    await api.toxic("latency", latency=5)
    path = "proxies/a/toxics/latency_downstream"
    answer = await api("PATCH", path, {"attributes": {"latency": 77, "jitter": "x"}})
    assert answer.status == 400
    assert (await api.get(path)).json["attributes"] == {"latency": 5, "jitter": 0}


@pytest.mark.realtime
async def test_two_latencies_add_up_for_a_stream_as_well(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    for name in ("one", "two"):
        await api.toxic("latency", "upstream", name, latency=100)
    sent = []
    for _ in range(40):
        sent.append(now())
        client.send(b"x" * 8)
        await asyncio.sleep(0.01)  # noqa: TID251 - the pace of the stream
    await peer.receive(320)
    delays = [arrived - left for arrived, left in zip(peer.arrivals(8), sent, strict=True)]
    assert min(delays) >= 0.2 - EARLY_S
    assert statistics.median(delays) <= 0.2 + LATE_S


@pytest.mark.realtime
async def test_an_update_of_latency_counts_from_when_a_chunk_was_sent(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("latency", "upstream", latency=5000)
    begun = now()
    client.send(b"hello")
    await asyncio.sleep(0.05)  # noqa: TID251 - the chunk is under way
    path = "proxies/a/toxics/latency_upstream"
    await api.post(path, {"attributes": {"latency": 200}})
    await peer.receive(5)
    assert 0.2 - EARLY_S <= now() - begun <= 0.2 + LATE_S


@pytest.mark.realtime
async def test_the_end_takes_as_long_as_data(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("latency", "upstream", latency=200)
    begun = now()
    client.transport.close()
    assert 0.2 - EARLY_S <= await peer.end() - begun <= 0.2 + LATE_S


async def test_a_reset_by_one_side_reaches_the_other_as_a_reset(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    sock = peer.transport.get_extra_info("socket")
    sock.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SOL_SOCKET, SO_LINGER: close() resets
    peer.transport.abort()
    await client.end()
    await asyncio.sleep(0)  # noqa: TID251 - connection_lost comes after
    assert isinstance(client.error, ConnectionResetError)


async def test_reset_peer_resets_connections_older_than_itself(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("reset_peer", "upstream", timeout=0)
    client.send(b"hello")
    await client.end()
    await peer.end()
    assert isinstance(client.error, ConnectionResetError)
    assert isinstance(peer.error, ConnectionResetError)


async def test_a_stalled_reader_does_not_block_the_api(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream()
    endpoint = await api.proxy(upstream.endpoint)
    await api.toxic("latency", latency=10)
    client = await ends.dial(endpoint)
    client.transport.pause_reading()
    peer = await upstream.peer()
    peer.send(b"x" * 150_000_000)
    await peer.stuffed()
    assert peer.transport.get_write_buffer_size() > 0
    begun = now()
    path = "proxies/a/toxics/latency_downstream"
    assert (await api.post(path, {"attributes": {"latency": 20}})).status == 200
    assert (await api("DELETE", path)).status == 204
    await api.toxic("bandwidth", rate=1)
    assert (await api.get("proxies")).status == 200
    other = await ends.dial(endpoint)
    (await upstream.peer()).send(b"x")
    await other.receive(1)
    assert (await api("DELETE", "proxies/a")).status == 204
    assert now() - begun < 1


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("bandwidth", {"rate": -1}),
        ("bandwidth", {"rate": 2**62}),
        ("slicer", {}),
        ("slicer", {"average_size": 5, "size_variation": 9}),
        ("latency", {"jitter": 2**62}),
    ],
)
async def test_attributes_that_would_end_a_stock_server_are_400(
    api: Api, ends: Ends, kind: str, attributes: dict[str, int]
) -> None:
    await api.proxy((await ends.upstream()).endpoint)
    answer = await api.post("proxies/a/toxics", {"type": kind, "attributes": attributes})
    assert answer.status == 400
    assert answer.error.startswith(f"bad request body: {kind}: ")
    assert (await api.get("proxies/a/toxics")).json == []


async def test_another_toxic_does_not_roll_toxicity_anew(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint)
    body = {"type": "timeout", "stream": "upstream", "toxicity": 0.5}
    await api.post("proxies/a/toxics", body)
    clients = [await ends.dial(endpoint) for _ in range(40)]
    rolls = []
    for turn in range(2):
        before = [len(client.data) for client in clients]
        for client in clients:
            client.send(b"x")
        await asyncio.sleep(0.1)  # noqa: TID251 - some stay silent
        rolls.append([len(c.data) > b for c, b in zip(clients, before, strict=True)])
        await api.toxic("noop", "upstream", f"noop {turn}")
    assert rolls[0] == rolls[1]
    assert 5 <= sum(rolls[0]) <= 35


async def test_live_connections_are_counted(api: Api, ends: Ends) -> None:
    client, _ = await pair(api, ends, echo=True)
    client.send(b"x" * 10)
    await client.receive(10)
    page = (await api.get("metrics")).text
    assert 'toxiproxy_proxy_connections{listener="' in page
    assert page.count("} 10\n") == 4


async def test_one_proxys_connections_can_be_reset(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    answer = await api.post("proxies/a/reset")
    assert (answer.status, answer.json) == (200, {"connections": 1})
    await client.end()
    await peer.end()
    assert isinstance(client.error, ConnectionResetError)
    assert (await api.post("proxies/nope/reset")).status == 404


@pytest.mark.realtime
async def test_handshake_costs_a_new_connection_one_more_round_trip(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint)
    await api.toxic("handshake", "upstream", rtt=100)
    await api.toxic("latency", "upstream", latency=50)
    await api.toxic("latency", "downstream", latency=50)
    begun = now()
    client = await ends.dial(endpoint)
    client.send(b"first")
    await client.receive(5)
    assert 0.2 - EARLY_S <= now() - begun <= 0.2 + LATE_S
    begun = now()
    client.send(b"again")
    await client.receive(10)
    assert 0.1 - EARLY_S <= now() - begun <= 0.1 + LATE_S


async def test_a_blackhole_swallows_an_end_and_gives_it_back(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    client.send(b"hello")
    await peer.receive(5)
    await api.toxic("blackhole", "upstream")
    client.send(b" again")
    client.transport.close()
    assert await peer.quiet()
    await api("DELETE", "proxies/a/toxics/blackhole_upstream")
    assert await peer.receive(11) == b"hello again"
    await peer.end()


async def test_a_blackhole_is_no_endless_buffer(api: Api, ends: Ends) -> None:
    client, _ = await pair(api, ends)
    await api.toxic("blackhole", "upstream")
    client.send(b"x" * 50_000_000)
    await client.stuffed()
    assert client.transport.get_write_buffer_size() > 30_000_000


async def test_loss_is_delay_and_loses_nothing(api: Api, ends: Ends) -> None:
    client, peer = await pair(api, ends)
    await api.toxic("loss", "upstream", ppm=300_000, rtt=10)
    sent = []
    for number in range(30):
        sent.append(now())
        client.send(bytes([number]))
        await asyncio.sleep(0.005)  # noqa: TID251 - the pace of the stream
    assert await peer.receive(30) == bytes(range(30))
    assert peer.times[-1] - sent[0] > 0.2  # at least one was sent again after a timer
