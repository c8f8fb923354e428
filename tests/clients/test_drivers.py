"""The built-in drivers against a gateway on real sockets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    Failed,
    Sent,
    SessionReady,
    Unknown,
)
from sim.scenario.driver_section import read_driver
from sim.scenario.reading import Reading
from sim.topology.yaml_document import Document
from tests.slot import address

# Loads talk for a time here, and of that a busy machine takes its part.
pytestmark = pytest.mark.realtime

ONE = {"clients": 1, "every_s": 0.5, "timeout_s": 30.0}  # one client: it is in New York


async def acked(world, count):
    await world.seen(Acked, count)


async def test_echo_counts_what_comes_back_as_it_was(small_world):
    world = await small_world()
    await world.load(driver="echo", payload_bytes=10_000, **ONE).run(3.0)
    assert 1 <= len(world.events(Sent)) == len(world.events(Acked)) <= 7
    assert {a.machine for a in world.events(Acked)} == {"iad-1"}


async def test_http_asks_every_turn_over_one_connection(small_world):
    world = await small_world()
    await world.load(driver="http", **ONE).run(3.0)
    requests = world.gateways["iad"].requests
    assert 1 <= len(requests) == len(world.events(Acked)) <= 7
    assert {request.headers["Fly-Client-IP"] for request in requests} == {address("1.10")}
    assert len(world.events(Connected)) == 1


async def test_http_counts_a_503_as_refused_and_connects_anew(small_world):
    world = await small_world()
    world.healthy["iad"] = False
    await world.load(driver="http", **ONE).run(3.0)
    failed = world.events(Failed)
    assert {(f.region, f.reason) for f in failed} == {("iad", "status 503")}
    assert len(world.events(ConnectFailed)) == len(failed) >= 1
    assert not world.events(Acked)


def asking(**driver):
    document = Document(driver, "asks.yaml")
    reading = Reading(document, None)
    declared = read_driver(reading, driver, (), "asks.yaml")
    assert reading.problems == []
    return declared


async def test_http_asks_what_it_is_told_to(small_world):
    world = await small_world()
    page = (Path(__file__).parents[2] / "docs" / "drivers.md").read_text()
    driver = asking(**yaml.safe_load(page.partition("# orders.yaml\n")[2].partition("```")[0]))
    world.gateways["iad"].status = 201
    await world.load(driver=driver, payload_bytes=3, **ONE).run(1.0)
    first, *_ = world.gateways["iad"].requests
    assert (first.method, first.path_qs) == ("POST", "/orders?of=new-york/0")
    assert (first.headers["X-Turn"], first.content_type) == ("1", "application/json")
    assert json.loads(world.gateways["iad"].bodies[0]) == {"n": 1, "text": "xxx"}
    assert world.events(Acked)


@pytest.mark.parametrize(
    ("status", "expect", "served"),
    [
        (200, None, True),
        (302, None, True),
        (404, None, False),
        (404, 404, True),
        (200, 201, False),
        (204, ["2xx", 304], True),
        (304, ["2xx", 304], True),
        (302, ["2xx", 304], False),
    ],
)
async def test_what_answer_is_service_is_the_drivers_to_say(small_world, status, expect, served):
    world = await small_world()
    world.gateways["iad"].status = status
    driver = asking(http="/", **({} if expect is None else {"expect": expect}))
    await world.load(driver=driver, **ONE).run(1.0)
    assert bool(world.events(Acked)) is served
    failed = {(f.region, f.reason) for f in world.events(Failed)}
    assert failed == (set() if served else {("iad", f"status {status}")})
    assert len(world.events(Connected)) == 1  # no answer but a 5xx sends a client away


async def test_a_websocket_that_is_refused_says_with_what_status(small_world):
    world = await small_world()
    world.healthy["iad"] = False
    await world.load(driver="session", **ONE).run(2.0)
    reasons = {(f.region, f.reason) for f in world.events(ConnectFailed)}
    assert reasons == {("iad", "status 503 instead of a WebSocket")}


async def test_a_session_goes_on_where_it_was_on_another_machine(small_world):
    world = await small_world()
    running = asyncio.create_task(world.load(driver="session", **ONE).run(8.0))
    await acked(world, 3)
    world.serve("fra")
    await world.gateways["iad"].crash()
    await running
    first, second = world.events(SessionReady)[:2]
    assert (first.region, first.resumed, first.acked) == ("iad", False, 0)
    assert (second.region, second.resumed) == ("fra", True)
    assert second.session == first.session
    assert second.acked >= second.remembered >= 3
    (held,) = world.store.values()
    assert held == list(range(1, len(held) + 1))
    assert len(world.events(Acked)) == len(held)
    assert not world.events(Unknown)


async def test_unacknowledged_messages_are_sent_again_even_if_the_gateway_has_them(small_world):
    """That is what makes deduplication matter."""
    world = await small_world()
    iad = world.gateways["iad"]
    iad.mute = True  # stores, and does not say so
    running = asyncio.create_task(world.load(driver="session", **ONE).run(8.0))
    await iad.holds(3)
    iad.mute = False
    iad.drop()
    await running
    attempts = {}
    for sent in world.events(Sent):
        attempts[sent.seq] = sent.attempt
    assert attempts[1] == attempts[2] == attempts[3] == 2
    ready = world.events(SessionReady)[1]
    assert (ready.remembered, ready.acked >= 3) == (0, True)
    assert [a.seq for a in world.events(Acked)][:3] == [1, 2, 3]
    (held,) = world.store.values()
    assert held == sorted(set(held))


async def test_a_forgotten_session_is_counted_once_and_given_up(small_world):
    world = await small_world()
    running = asyncio.create_task(world.load(driver="session", **ONE).run(8.0))
    await acked(world, 3)
    iad = world.gateways["iad"]
    iad.mute = True
    await iad.holds(1 + sum(map(len, world.store.values())))  # one more, unacknowledged
    iad.mute = False
    world.store.clear()
    iad.drop()
    await world.seen(SessionReady, 3)
    given_up = world.events(Unknown)
    await running
    first, forgot, fresh = world.events(SessionReady)[:3]
    assert given_up
    assert {unknown.session for unknown in given_up} == {first.session}
    assert forgot.session == first.session
    assert forgot.resumed
    assert (forgot.acked, forgot.remembered) == (0, max(3, forgot.remembered))
    assert fresh.session != first.session
    assert (fresh.resumed, fresh.acked, fresh.remembered) == (False, 0, 0)
    assert "the gateway forgot" in [d.reason for d in world.events(Disconnected)][1]
    assert [r for r in world.events(SessionReady) if r.acked < r.remembered] == [forgot]
    late = [a for a in world.events(Acked) if a.session == fresh.session]
    assert [a.seq for a in late][:2] == [1, 2]


async def test_silence_ends_the_connection_after_the_timeout(small_world):
    world = await small_world()
    world.gateways["iad"].silent = True
    await world.load(driver="session", clients=1, every_s=0.5, timeout_s=2.0).run(5.0)
    ended = world.events(Disconnected)[0]
    assert ended.reason == "no acknowledgement within 2 s"
    assert {u.seq for u in world.events(Unknown)} == {s.seq for s in world.events(Sent)}
    assert max(s.attempt for s in world.events(Sent)) >= 2


async def test_no_more_than_the_window_is_under_way(small_world):
    world = await small_world(speed=1.0)
    world.gateways["iad"].silent = True
    await world.load(driver="session", clients=1, every_s=0.002, timeout_s=5.0).run(1.0)
    assert {s.seq for s in world.events(Sent)} == set(range(1, 65))


async def test_going_away_is_an_end_without_penalty(small_world):
    world = await small_world()
    running = asyncio.create_task(world.load(driver="session", **ONE).run(6.0))
    await acked(world, 2)
    await world.gateways["iad"].say(json.dumps({"type": "going_away"}))
    await world.seen(SessionReady, 2)
    await running
    ended = world.events(Disconnected)[0]
    assert (ended.reason, ended.expected) == ("the gateway is going away", False)
    again = [r.t for r in world.journal.records if isinstance(r.event, Connected)][1]
    left = next(r.t for r in world.journal.records if isinstance(r.event, Disconnected))
    assert again - left < 5.0  # one draw of at most 0.25 s, and a busy host's half real second


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("what?", "'what?'"),
        ('{"type": "error", "message": "gap"}', '\'{"type": "error", "message": "gap"}\''),
        (None, "closed with code 1001 (bye)"),
    ],
)
async def test_what_a_gateway_says_out_of_order_is_the_reason(small_world, said, reason):
    world = await small_world()
    running = asyncio.create_task(world.load(driver="session", **ONE).run(4.0))
    await acked(world, 1)
    if said is None:
        await world.gateways["iad"].bid_farewell()
    else:
        await world.gateways["iad"].say(said)
    await running
    assert world.events(Disconnected)[0].reason == reason


async def test_a_gateway_that_forgets_to_deduplicate_stores_twice(small_world):
    world = await small_world()
    iad = world.gateways["iad"]
    iad.mute, iad.deduplicates = True, False
    running = asyncio.create_task(world.load(driver="session", **ONE).run(6.0))
    await iad.holds(2)
    iad.mute = False
    iad.drop()
    await running
    (held,) = world.store.values()
    assert held.count(1) == held.count(2) == 2


async def test_a_session_that_the_gateway_knows_further_goes_on_from_there(small_world):
    world = await small_world()
    world.gateways["iad"].holds_already = 5
    await world.load(driver="session", **ONE).run(2.0)
    assert [s.seq for s in world.events(Sent)][:2] == [6, 7]
