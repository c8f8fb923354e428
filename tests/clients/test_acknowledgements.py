"""Which messages a declared driver takes for acknowledged: those that the gateway named, alone."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sim.clients.ending import ConnectionOverError
from sim.observe.events import PatternMatched, PatternMissed, Sent, SessionReady
from tests.clients.talking import socket

DRIVER: dict[str, Any] = {
    "websocket": "/ws",
    "hello": {"op": "join"},
    "ready": {"match": {"op": "joined"}, "session": "$.room"},
    "send": {"op": "say", "n": "{seq}"},
    "ack": {"match": {"op": "said"}, "sequence": "$.n"},
    "resume": {"hello": {"op": "rejoin", "room": "{session}"}},
}


def room(answers, joined=lambda _connection: {}):
    """One that says `answers(connection, n)` to message n; None ends the connection at once."""
    connections = 0

    async def serve(ws, request):
        nonlocal connections
        connection = connections = connections + 1
        async for message in ws:
            said = json.loads(message.data)
            if said["op"] != "say":
                await ws.send_json({"op": "joined", "room": "r", **joined(connection)})
                continue
            answer = answers(connection, said["n"])
            if answer is None:
                request.transport.abort()
                return
            for n in answer:
                await ws.send_json({"op": "said", "n": n})

    return socket(serve)


def loses_the_second(connection, n):
    """Acknowledges 1 and 3, and breaks the connection off at 4."""
    return [n] if connection > 1 or n in (1, 3) else [] if n == 2 else None


@pytest.mark.parametrize("foreign", [2026, 0, -1])
async def test_an_acknowledgement_of_what_was_never_sent_is_the_patterns_mistake(talk, foreign):
    there = await talk([room(lambda _connection, n: [n, foreign])], DRIVER)
    with pytest.raises(ValueError, match=f"`ack` took number {foreign} from "):
        await there.live()
    await_again = await talk([room(lambda _connection, n: [n, n])], DRIVER)
    await await_again.live()  # saying it twice is no mistake
    assert await_again.acked == [1, 2, 3]


async def test_what_was_never_sent_is_not_remembered_and_so_never_forgotten(talk):
    answers = {1: [1], 2: [999]}
    there = await talk(
        [room(lambda c, n: answers[n] if c == 1 else [n], lambda c: {"seen": c - 1})],
        {**DRIVER, "ready": {**DRIVER["ready"], "acked": "$.seen"}},
    )
    with pytest.raises(ValueError, match="999"):
        await there.live()
    await there.live()
    assert [(e.acked, e.remembered) for e in there.events(SessionReady)] == [(0, 0), (1, 1)]


async def test_a_resumption_that_names_no_message_acknowledges_none(talk):
    there = await talk([room(loses_the_second)], DRIVER)
    with pytest.raises((ConnectionOverError, aiohttp.ClientError)):
        await there.live(turns=9)
    assert there.acked == [1, 3]
    await there.live(turns=3)
    assert [e.attempt for e in there.events(Sent) if e.seq == 2] == [1, 2]
    assert there.acked[2:4] == [2, 4]  # by their own answers
    assert [e.resumed for e in there.events(SessionReady)] == [False, True]


async def test_a_gateway_that_has_all_up_to_a_gap_has_forgotten_nothing(talk):
    driver = {**DRIVER, "ready": {**DRIVER["ready"], "acked": "$.all"}}
    there = await talk([room(loses_the_second, lambda c: {"all": c - 1})], driver)
    with pytest.raises((ConnectionOverError, aiohttp.ClientError)):
        await there.live(turns=9)
    await there.live(turns=3)
    assert all(e.acked >= e.remembered for e in there.events(SessionReady))


# --- what is never recognised ---


async def test_messages_that_are_no_ready_are_told_of(talk):
    driver = {**DRIVER, "ready": {"match": {"op": "welcome"}}}
    there = await talk([room(lambda _c, n: [n])], driver, timeout_s=1.0)
    with pytest.raises(TimeoutError):
        await there.live()
    (missed,) = there.events(PatternMissed)
    assert (missed.pattern, missed.messages, missed.first) == (
        "`ready`",
        1,
        '{"op": "joined", "room": "r"}',
    )


async def test_the_ready_of_a_resumption_is_another_pattern_where_it_differs(talk):
    resume = {**DRIVER["resume"], "ready": {"match": {"op": "rejoined"}}}
    there = await talk([room(loses_the_second)], {**DRIVER, "resume": resume}, timeout_s=10.0)
    with pytest.raises((ConnectionOverError, aiohttp.ClientError)):
        await there.live(turns=9)
    with pytest.raises(TimeoutError):
        await there.live()
    assert [event.pattern for event in there.events(PatternMatched)] == ["`ready`", "`ack`"]
    assert [event.pattern for event in there.events(PatternMissed)] == ["`ready` of `resume`"]


async def test_messages_that_acknowledge_nothing_are_told_of(talk):
    driver = {**DRIVER, "ack": {"match": {"op": "kept"}, "sequence": "$.n"}}
    there = await talk([room(lambda _c, n: [n])], driver, timeout_s=1.0)
    with pytest.raises(TimeoutError):
        await there.live(turns=99)
    (missed,) = there.events(PatternMissed)
    assert (missed.pattern, missed.first) == ("`ack`", '{"op": "said", "n": 1}')


async def test_a_gateway_that_says_nothing_is_not_the_patterns_doing(talk):
    there = await talk([room(lambda _c, _n: [])], DRIVER, timeout_s=1.0)
    with pytest.raises(TimeoutError):
        await there.live(turns=99)
    assert not there.events(PatternMissed)
