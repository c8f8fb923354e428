"""Links: opened as asked, broken and healed, on the embedded server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from sim.clock import Clock
from sim.errors import InputError
from sim.network import measure
from sim.network.conditions import Conditions
from sim.network.links import Link, LinkCheckError, Links, LinkSpec, LinkStats
from sim.network.measure import hold_against, turns_to_measure_again
from sim.network.stats import parse_metrics
from sim.network.toxiproxy_api import LinkServerClient
from sim.observe.events import LinkChanged, PartFailed
from sim.observe.journal import Journal, only
from sim.topology.addresses import Endpoint

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serving = Callable[[Serve], AbstractAsyncContextManager[Endpoint]]
PROBE = b"ping"


@pytest.fixture
async def journal(clock: Clock) -> Journal:
    return Journal(clock)


@pytest.fixture
async def links(client: LinkServerClient, clock: Clock, journal: Journal) -> AsyncIterator[Links]:
    links = Links(client, clock, journal)
    yield links
    await links.close()


def free_endpoint(host: str) -> Endpoint:
    with socket.socket() as sock:
        sock.bind((host, 0))
        return Endpoint(host, sock.getsockname()[1])


def spec_to(upstream: Endpoint, rtt_ms: float = 20.0, **more: object) -> LinkSpec:
    listen = free_endpoint("127.90.1.100")
    return LinkSpec("london", "fra", listen, upstream, rtt_ms, probe=PROBE, **more)  # type: ignore[arg-type]


@pytest.fixture
async def link(links: Links, upstream: Endpoint) -> Link:
    return await links.open(spec_to(upstream))


async def round_trip_ms(link: Link, clock: Clock) -> float:
    """From sending to the first byte back, on a connection that stands."""
    async with connection(link) as (reader, writer):
        times = []
        for _ in range(3):
            begun = clock.real_ms()
            writer.write(PROBE)
            await reader.readexactly(len(PROBE))
            times.append(clock.real_ms() - begun)
        return sorted(times)[1]


@contextlib.asynccontextmanager
async def connection(
    link: Link,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(link.spec.listen.host, link.spec.listen.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def silent(reader: asyncio.StreamReader, clock: Clock) -> bool:
    try:
        async with clock.timeout(0.1):
            return not await reader.read(1)
    except TimeoutError:
        return True


@pytest.mark.realtime
async def test_an_open_link_has_the_round_trip_that_was_asked(link: Link, clock: Clock) -> None:
    assert 18 <= await round_trip_ms(link, clock) <= 60
    assert repr(link) == "<Link london:fra up, 20 ms>"


async def test_opening_journals_the_link(link: Link, journal: Journal) -> None:
    assert [e for _, e in only(journal.records, LinkChanged)] == [
        LinkChanged("london:fra", "up", 20.0)
    ]


async def test_a_link_to_nobody_is_an_error_that_says_so(links: Links) -> None:
    spec = spec_to(free_endpoint("127.90.0.2"))
    with pytest.raises(LinkCheckError, match=rf"nothing answers at {spec.upstream}"):
        await links.open(spec)


@pytest.mark.realtime
async def test_a_link_that_stays_slower_than_asked_is_a_failed_part(
    links: Links, journal: Journal, upstream: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be this machine that is late, so that the world comes up and it is measured again."""
    honest = Conditions.toxics
    monkeypatch.setattr(measure, "_PATIENCE_REAL_S", 0.3)
    monkeypatch.setattr(
        Conditions, "toxics", lambda self, **how: honest(replace(self, rtt_ms=70), **how)
    )
    link = await links.open(spec_to(upstream))
    assert not any(isinstance(record.event, PartFailed) for record in journal.records)
    await link.audit()
    (failed,) = [r.event for r in journal.records if isinstance(r.event, PartFailed)]
    assert re.match(r"asked for a round trip of 20 ms.*measured [67]", failed.reason)


async def test_a_link_that_is_faster_than_asked_is_an_error(link: Link, clock: Clock) -> None:
    asked = Conditions(rtt_ms=200)
    found = await hold_against(link.spec, asked, clock, turns_to_measure_again())
    assert found.problem
    assert not found.slow
    assert found.problem.startswith(
        "asked for a round trip of 200 ms (178.0 to 222.0 ms is near enough)"
    )


async def test_the_bounds_that_are_said_fit_what_is_said_to_be_asked(
    links: Links, upstream: Endpoint, clock: Clock
) -> None:
    """With a handshake an answer takes two round trips, and so do the bounds."""
    link = await links.open(spec_to(upstream, handshake=True))
    found = await hold_against(link.spec, Conditions(200), clock, turns_to_measure_again())
    assert str(found.problem).startswith(
        "asked for a round trip of 200 ms, so that an answer takes 400 ms from connecting"
        " (358.0 to 442.0 ms is near enough)"
    )


@pytest.mark.parametrize("handshake", [False, True])
async def test_a_real_path_beyond_a_link_is_taken_off_it(
    links: Links, upstream: Endpoint, clock: Clock, *, handshake: bool
) -> None:
    """So that both together are what was asked for, and a heal does not forget it."""
    link = await links.open(replace(spec_to(upstream, handshake=handshake), rtt_ms=200, real_ms=80))
    await link.slow(100)
    await link.heal()
    assert link.rtt_ms == 200
    fastest = min([await measure.measure(link.spec, clock, 2000) or 2000 for _ in range(3)])
    assert 118 < fastest / (2 if handshake else 1) < 160


async def test_a_real_path_that_is_longer_than_a_link_may_be_off_is_an_error(
    links: Links, upstream: Endpoint
) -> None:
    near = replace(spec_to(upstream), rtt_ms=20, real_ms=23.9)
    assert (await links.open(near)).rtt_ms == 20  # 2 ms and a tenth: as any link
    far = replace(near, source="paris", listen=free_endpoint("127.90.0.1"), real_ms=24.1)
    with pytest.raises(LinkCheckError, match=r"the real path to that host takes 24\.1 ms"):
        await links.open(far)


async def test_what_the_far_end_takes_to_answer_is_not_the_links(
    links: Links, serving: Serving, clock: Clock
) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await clock.sleep(0.05)
        writer.write(b"x")

    async with serving(slow) as upstream:
        assert (await links.open(spec_to(upstream))).state == "up"


@pytest.mark.realtime
async def test_many_links_open_at_once(links: Links, upstream: Endpoint, clock: Clock) -> None:
    begun = clock.real_ms()
    specs = [
        LinkSpec("london", f"r{n}", free_endpoint(f"127.90.1.{n}"), upstream, 30.0, probe=PROBE)
        for n in range(1, 41)
    ]
    opened = await links.open_all(specs)
    assert [link.name for link in opened] == [spec.name for spec in specs]
    assert clock.real_ms() - begun < 3000


async def test_a_bandwidth_of_the_topology_is_there_from_the_start_and_after_a_heal(
    links: Links, upstream: Endpoint
) -> None:
    link = await links.open(spec_to(upstream, bandwidth_kbps=2000.0, shared=True))

    def lines() -> list[tuple[str, object]]:
        return [(t.type, t.attributes["rate"]) for t in link.toxics if "rate" in t.attributes]

    assert lines() == [("shared_bandwidth", 250)] * 2
    await link.slow(latency_ms=5)
    assert lines() == [("shared_bandwidth", 250)] * 2
    await link.slow(bandwidth_kbps=80)
    assert lines() == [("bandwidth", 10)] * 2
    await link.slow(bandwidth_kbps=80, shared=True)
    assert lines() == [("shared_bandwidth", 10)] * 2
    await link.heal()
    assert lines() == [("shared_bandwidth", 250)] * 2


async def test_shared_without_a_bandwidth_is_a_mistake(link: Link) -> None:
    with pytest.raises(InputError, match="give one too"):
        await link.slow(latency_ms=5, shared=True)


async def test_a_link_keeps_half_closed_connections_and_has_the_buffer_that_was_asked(
    links: Links, upstream: Endpoint, client: LinkServerClient
) -> None:
    link = await links.open(spec_to(upstream, buffer_bytes=65_536))
    proxy = (await client.proxies())[link.name]
    assert (proxy["half_close"], proxy["buffer_bytes"]) == (True, 65_536)
    assert proxy["segment_bytes"] == 1448


@pytest.mark.realtime
async def test_connections_share_a_bandwidth(links: Links, serving: Serving, clock: Clock) -> None:
    """Four that each take a quarter of it take four times as long as one alone would."""
    size, rate_kbps = 20_000, 1600

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * size)

    async with serving(send) as upstream:
        spec = replace(spec_to(upstream), bandwidth_kbps=rate_kbps, shared=True, probe=b"")
        link = await links.open(spec)

        async def receive() -> None:
            async with connection(link) as (reader, _):
                await reader.readexactly(size)

        begun = clock.now()
        await asyncio.gather(*(receive() for _ in range(4)))
        took_s = clock.now() - begun
    assert 4 * size * 8 / rate_kbps / 1000 < took_s < 2 * 4 * size * 8 / rate_kbps / 1000


@pytest.mark.realtime
async def test_slow_adds_to_the_round_trip_and_heal_takes_it_away(link: Link, clock: Clock) -> None:
    await link.slow(latency_ms=30)
    assert link.rtt_ms == 50
    assert 48 <= await round_trip_ms(link, clock) <= 100
    await link.heal()
    assert 18 <= await round_trip_ms(link, clock) <= 60


async def test_a_silent_partition_keeps_connections_and_loses_nothing(
    link: Link, clock: Clock
) -> None:
    async with connection(link) as (reader, writer):
        await link.partition()
        writer.write(b"before heal")
        assert await silent(reader, clock)
        await link.heal()
        assert await reader.readexactly(11) == b"before heal"


async def test_a_one_way_partition_lets_the_other_way_through(
    links: Links, serving: Serving, clock: Clock
) -> None:
    heard = asyncio.Event()

    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"x")
        await reader.read(1)
        heard.set()
        await reader.read(1)

    async with serving(chatty) as upstream:
        link = await links.open(spec_to(upstream))
        async with connection(link) as (reader, writer):
            writer.write(b"1")
            await reader.readexactly(1)
            await link.partition(towards="source")
            writer.write(b"2")
            async with clock.timeout(2):
                await heard.wait()


async def test_a_refusing_partition_refuses_and_drops(link: Link) -> None:
    async with connection(link) as (reader, _):
        await link.partition(mode="refusing")
        assert await reader.read(1) == b""
    with pytest.raises(ConnectionRefusedError):
        async with connection(link):
            pass
    await link.heal()
    async with connection(link) as (reader, writer):
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"


async def test_refusing_in_one_direction_is_refused(link: Link) -> None:
    with pytest.raises(InputError, match="drop `towards`"):
        await link.partition(mode="refusing", towards="source")


async def test_reset_breaks_present_connections_off(link: Link) -> None:
    async with connection(link) as (reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        assert await link.reset() == 1
        with pytest.raises(ConnectionResetError):
            await reader.read(1)


async def test_a_flapping_link_goes_down_and_up_until_healed(
    link: Link, journal: Journal, clock: Clock
) -> None:
    await link.flap(0.1)
    async with clock.timeout(5):
        while len(states := _states(journal)) < 6:
            await clock.sleep(0.01)
    assert states[1:6] == ["silent", "up", "silent", "up", "silent"]
    await link.heal()
    count = len(_states(journal))
    await clock.sleep(0.15)
    assert _states(journal)[-1] == "up"
    assert len(_states(journal)) == count


def _states(journal: Journal) -> list[str]:
    return [e.state for _, e in only(journal.records, LinkChanged)]


async def test_a_fault_that_does_not_take_is_journaled_as_a_failed_part(
    link: Link, client: LinkServerClient, journal: Journal
) -> None:
    await link.partition()
    await client.remove_toxic(link.name, "link_blackhole_upstream")
    await client.remove_toxic(link.name, "link_blackhole_downstream")
    await link.audit()  # the measurement of the cut, which may have begun before
    await link.audit()
    failed = [e for _, e in only(journal.records, PartFailed)]
    assert failed[0].part == "link london:fra"
    assert "asked to be silent" in failed[0].reason


@pytest.mark.parametrize("resting", [True, False])
async def test_what_goes_while_it_is_measured_fails_no_link_that_rests(
    links: Links, journal: Journal, serving: Serving, resting: bool
) -> None:
    """As a world ends: what is behind its links goes before they do."""
    asked, going = asyncio.Event(), asyncio.Event()

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        probe = await reader.readexactly(len(PROBE))
        if opened:
            asked.set()
            await going.wait()
            writer.transport.abort()
            return
        writer.write(probe)
        await writer.drain()
        writer.close()

    opened: list[Link] = []
    async with serving(answers_once) as upstream:
        opened.append(await links.open(spec_to(upstream)))
        audit = asyncio.create_task(opened[0].audit())
        await asked.wait()
        if resting:
            await links.rest()
        going.set()
        await audit
    assert bool(list(only(journal.records, PartFailed))) != resting


async def test_changes_that_take_are_no_failed_parts(
    link: Link, journal: Journal, clock: Clock
) -> None:
    await link.slow(latency_ms=5, bandwidth_kbps=256)
    await clock.sleep(0.15)
    await link.partition(mode="refusing")
    await clock.sleep(0.15)
    await link.partition()
    await clock.sleep(0.15)
    assert not list(only(journal.records, PartFailed))


async def test_stats_count_live_connections_and_bytes_each_way(link: Link, clock: Clock) -> None:
    async with clock.timeout(5):
        while (before := await link.stats()).connections:
            await clock.sleep(0.01)  # the end of the probe's connection is under way
    async with connection(link) as (reader, writer):
        writer.write(b"x" * 1000)
        await reader.readexactly(1000)
        stats = await link.stats()
    assert stats.bytes_up - before.bytes_up == 1000
    assert stats.bytes_down - before.bytes_down == 1000
    assert stats.connections == 1


async def test_a_lost_packet_is_delay(link: Link) -> None:
    await link.loss(100)
    assert [toxic.attributes for toxic in link.toxics if toxic.type == "loss"] == [
        {"ppm": 1_000_000, "rtt": 20}
    ] * 2
    await link.heal()
    assert [toxic.type for toxic in link.toxics] == ["latency", "latency"]


@pytest.mark.realtime
async def test_with_a_handshake_a_new_connection_costs_one_more_round_trip(
    links: Links, upstream: Endpoint, clock: Clock
) -> None:
    link = await links.open(spec_to(upstream, rtt_ms=40.0, handshake=True))
    begun = clock.real_ms()
    async with connection(link) as (reader, writer):
        writer.write(PROBE)
        await reader.readexactly(len(PROBE))
        assert 78 <= clock.real_ms() - begun <= 180
        begun = clock.real_ms()
        writer.write(PROBE)
        await reader.readexactly(len(PROBE))
        assert 38 <= clock.real_ms() - begun <= 140


async def test_close_removes_the_proxies(
    links: Links, link: Link, client: LinkServerClient
) -> None:
    await link.flap(10)
    await links.close()
    await links.close()
    assert await client.proxies() == {}


def test_metrics_of_a_stock_server_are_read_as_well() -> None:
    labels = 'listener="127.0.0.1:1",proxy="a:b",upstream="x:2"'
    text = (
        f'toxiproxy_proxy_sent_bytes_total{{direction="upstream",{labels}}} 5\n'
        f'toxiproxy_proxy_sent_bytes_total{{direction="downstream",{labels}}} 1.2e+06\n'
    )
    assert parse_metrics(text) == {"a:b": LinkStats(None, 5, 1_200_000)}


async def test_many_links_open_at_once_and_the_far_ones_are_measured_later(
    links: Links, upstream: Endpoint, clock: Clock
) -> None:
    """Of 80 the nearest 64 are measured before they are given; a wrong one of the rest is told."""
    specs = [
        LinkSpec(f"place{k}", "fra", free_endpoint(f"127.90.33.{k + 1}"), upstream, 1.0 + k, 0.0)
        for k in range(80)
    ]
    gone = replace(specs[79], upstream=free_endpoint("127.90.34.1"), probe=PROBE)
    opened = await links.open_all([*specs[:79], gone])
    assert len(opened) == 80
    found = await links.client.proxies()
    assert all(found[link.name]["enabled"] and found[link.name]["toxics"] for link in opened)
    async with clock.timeout(10):
        while not (failed := [e for _, e in only(links.journal.records, PartFailed)]):
            await clock.sleep(0.01)
    assert [event.part for event in failed] == [f"link {gone.name}"]
