"""Declared drivers against small real servers: what is said, what is heard, what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest
from aiohttp import web

from sim.clients.ending import ConnectionOverError
from sim.observe.events import Acked, Failed, SessionReady
from tests.clients.talking import echo, socket

ECHO = {"websocket": "/ws", "send": "{seq}:{payload}", "ack": "^(?P<sequence>[0-9]+):"}


# --- a greeting in steps ---


XMPP = {
    "websocket": "/ws",
    "subprotocol": "xmpp",
    "hello": [
        {"send": "<open to='localhost'/>"},
        {"wait": "<stream:features"},
        {"send": "<auth mechanism='ANONYMOUS'/>"},
        {"wait": "<challenge>(?P<nonce>[a-z]+)</challenge>"},
        {"send": "<response>{nonce}</response>"},
        {"wait": "<success"},
    ],
    "send": "<message id='{seq}'/>",
    "ack": "<ack id='(?P<sequence>[0-9]+)'/>",
}


def prosody(said):
    async def serve(ws, _request):
        answers = {
            "<open": ["<open/>", "<stream:features/>"],
            "<auth": ["<challenge>abc</challenge>"],
            "<response>abc<": ["<success/>"],
        }
        async for message in ws:
            said.append(message.data)
            number = message.data.partition("id='")[2].partition("'")[0]
            for beginning, several in answers.items():
                if message.data.startswith(beginning):
                    for text in several:
                        await ws.send_str(text)
            if number:
                await ws.send_str(f"<ack id='{number}'/>")

    return socket(serve, protocols=("xmpp",))


async def test_a_greeting_in_steps_waits_between_them_and_uses_what_it_heard(talk):
    said: list[str] = []
    there = await talk([prosody(said)], XMPP)
    await there.live(turns=3)
    assert said[:3] == [
        "<open to='localhost'/>",
        "<auth mechanism='ANONYMOUS'/>",
        "<response>abc</response>",
    ]
    assert there.acked == [1, 2, 3]
    (ready,) = there.events(SessionReady)
    assert (ready.resumed, ready.acked) == (False, 0)


async def test_a_step_whose_answer_never_comes_is_an_error_with_its_number(talk):
    hello = [*XMPP["hello"][:3], {"wait": "<success"}]
    there = await talk([prosody([])], {**XMPP, "hello": hello}, timeout_s=1.0)
    with pytest.raises(TimeoutError) as caught:
        await there.live()
    assert str(caught.value) == (
        "step 4 of `hello`: no `<success` within 1 s; the last that came is"
        " <challenge>abc</challenge>"
    )
    assert not there.events(SessionReady)


async def test_a_close_in_a_step_is_an_error_with_its_number(talk):
    async def no(ws, _request):
        await ws.receive()
        await ws.close(code=4001, message=b"not you")

    there = await talk([socket(no, protocols=("xmpp",))], XMPP)
    with pytest.raises(ConnectionOverError) as caught:
        await there.live()
    assert str(caught.value) == "step 2 of `hello`: closed with code 4001 (not you)"


async def test_values_of_json_are_taken_and_stay_numbers_unless_text_is_asked_for(talk):
    said = []

    async def serve(ws, _request):
        await ws.send_json({"op": "hi", "nonce": 17})
        async for message in ws:
            said.append(json.loads(message.data))
            await ws.send_json({"op": "ok"})

    driver = {
        "websocket": "/ws",
        "hello": [
            {"wait": {"match": {"op": "hi"}, "capture": {"nonce": "$.nonce"}}},
            {"send": {"op": "auth", "nonce": "{nonce}", "as": "{nonce:text}", "by": "{client}"}},
        ],
        "ready": {"match": {"op": "ok"}},
        "send": {"n": "{seq:text}"},
        "ack": {"match": {"op": "ok"}},
    }
    there = await talk([socket(serve)], driver)
    await there.live(turns=1)
    assert said == [{"op": "auth", "nonce": 17, "as": "17", "by": "london"}, {"n": "1"}]
    assert there.acked == [1]


async def test_a_ping_is_answered_with_what_it_held(talk):
    pongs = []

    async def serve(ws, _request):
        await ws.send_str("PING :tok7")
        async for message in ws:
            if message.data.startswith("PONG"):
                pongs.append(message.data)
            await ws.send_str(message.data)

    answer = [{"match": "^PING :(?P<token>.+)", "send": "PONG :{token}"}]
    there = await talk([socket(serve)], {**ECHO, "answer": answer})
    await there.live(turns=2)
    assert pongs == ["PONG :tok7"]


@pytest.mark.parametrize("send", ["PONG {token}", {"hex": "{token}"}, {"token": "{token}"}])
async def test_a_value_that_is_used_before_it_came_is_told(talk, send):
    """A ping in the middle of the greeting, answered with what the greeting is yet to give."""

    async def serve(ws, _request):
        await ws.send_str("PING")
        await ws.receive()

    hello = [{"wait": "^HELLO (?P<token>.+)"}]
    answer = [{"match": "^PING", "send": send}]
    there = await talk([socket(serve)], {**ECHO, "hello": hello, "answer": answer})
    with pytest.raises(ValueError, match=r"`\{token\}` is used before the gateway gave its value"):
        await there.live()


# --- requests before the WebSocket ---


TICKET = {
    **ECHO,
    "before": [
        {
            "post": "/tickets?for={client}",
            "headers": {"X-Key": "k-{client}"},
            "body": {"user": "{client}"},
            "expect": 201,
            "capture": {
                "ticket": "$.ticket",
                "shard": {"header": "X-Shard"},
                "crumb": {"cookie": "crumb"},
                "word": "the word is ([a-z]+)",
            },
        }
    ],
    "websocket": "/ws?ticket={ticket}&shard={shard}&crumb={crumb}&word={word}",
}


def tickets(asked):
    async def post(request):
        asked.append((request.query["for"], request.headers["X-Key"], await request.json()))
        body = {"ticket": f"t/{len(asked)}", "hint": "the word is swordfish"}
        answer = web.json_response(body, status=201, headers={"X-Shard": "s3"})
        answer.set_cookie("crumb", "c9")
        return answer

    return web.post("/tickets", post)


async def test_a_ticket_is_fetched_for_each_connection(talk):
    asked: list[object] = []
    opened = []

    async def serve(ws, request):
        opened.append((dict(request.query), request.cookies["crumb"]))
        await echo(ws, request)

    there = await talk([tickets(asked), socket(serve)], TICKET)
    await there.live(turns=1)
    await there.live(turns=1)
    assert asked == [("london", "k-london", {"user": "london"})] * 2
    wanted = {"shard": "s3", "crumb": "c9", "word": "swordfish"}
    assert opened == [({"ticket": f"t/{n}", **wanted}, "c9") for n in (1, 2)]


async def test_a_ticket_that_is_refused_is_shown_with_status_and_body(talk):
    async def no(_request):
        headers = {"sim-machine": "fra-1"}
        return web.json_response({"error": "who are you?"}, status=403, headers=headers)

    there = await talk([web.post("/tickets", no)], TICKET)
    with pytest.raises(ConnectionOverError) as caught:
        await there.live()
    assert str(caught.value) == (
        'step 1 of `before`, POST /tickets?for={client}: status 403: {"error": "who are you?"}'
    )
    assert there.client.down_by == "fra-1"


async def test_an_answer_without_what_is_taken_from_it_is_shown(talk):
    async def other(_request):
        return web.json_response({"tikket": 1}, status=201)

    there = await talk([web.post("/tickets", other)], TICKET)
    with pytest.raises(ValueError, match="no `ticket`") as caught:
        await there.live()
    assert 'no `ticket` (`$.ticket`) in status 201: {"tikket": 1}' in str(caught.value)


async def test_a_ticket_that_never_comes_is_an_error_with_the_steps_number(talk):
    async def silence(_request):
        await asyncio.get_running_loop().create_future()

    there = await talk([web.post("/tickets", silence)], TICKET, timeout_s=1.0)
    with pytest.raises(TimeoutError) as caught:
        await there.live()
    assert str(caught.value).startswith("step 1 of `before`, POST /tickets?for={client}: no answer")


async def test_a_session_may_be_made_by_a_request_and_is_resumed_by_its_name(talk):
    opened: list[str] = []

    async def make(_request):
        return web.json_response({"id": f"room-{len(opened)}"})

    async def serve(ws, request):
        opened.append(request.match_info["id"])
        await echo(ws, request)

    driver = {
        **ECHO,
        "before": [{"post": "/rooms", "capture": {"session": "$.id"}}],
        "websocket": "/rooms/{session}",
        "resume": {"before": []},
    }
    there = await talk([web.post("/rooms", make), socket(serve, "/rooms/{id}")], driver)
    await there.live(turns=1)
    await there.live(turns=1)
    assert opened == ["room-0", "room-0"]
    assert [(e.session, e.resumed) for e in there.events(SessionReady)] == [
        ("room-0", False),
        ("room-0", True),
    ]
    assert there.acked == [1, 2]


@pytest.mark.parametrize("known", [True, False])
async def test_where_the_gateway_names_another_session_that_one_goes_on_in_place(talk, known):
    """As socket.io's client does with `recovered: false`."""
    connections = 0

    async def serve(ws, _request):
        nonlocal connections
        connections += 1
        name = f"room-{connections}"
        await ws.send_json({"session": name})
        async for message in ws:
            if known or connections > 1:
                await ws.send_json({"op": "ok", "ack": json.loads(message.data)["seq"]})

    driver = {
        "websocket": "/ws",
        "ready": {"session": "$.session"},
        "resume": {"websocket": "/ws?of={session}"},
        "send": {"seq": "{seq}"},
        "ack": {"match": {"op": "ok"}, "sequence": "$.ack"},
    }
    there = await talk([socket(serve)], driver, timeout_s=1.0)
    with contextlib.nullcontext() if known else pytest.raises(TimeoutError):
        await there.live(turns=1)
    await there.live(turns=2)
    assert connections == 2
    told = [(e.session, e.resumed, e.acked, e.remembered) for e in there.events(SessionReady)]
    forgot = [("room-1", True, 0, 1)] if known else []
    assert told == [("room-1", False, 0, 0), *forgot, ("room-2", False, 0, 0)]
    in_second = [e.seq for e in there.events(Acked) if e.session == "room-2"]
    assert in_second == [1, 2]


# --- bytes ---


MQTT = {
    "websocket": "/mqtt",
    "subprotocol": ["mqtt", "mqttv3.1"],
    "hello": [
        {"send": {"hex": "10 varint[ 0004 4d515454 04 02 003c u16[{client}] ]"}},
        {"wait": {"hex": "20 02 .. 00"}},
    ],
    "send": {"hex": "32 varint[ u16[ 742f {session} ] {seq:u16} {payload} ]"},
    "ack": {"hex": "40 02 {sequence:u16}"},
    "answer": [{"match": {"hex": "c0 00"}, "send": {"hex": "d0 00"}}],
}


def broker(said):
    async def serve(ws, _request):
        async for message in ws:
            said.append(message.data)
            if message.data[0] == 0x10:
                await ws.send_bytes(b"\x20\x02\x00\x00")
                await ws.send_bytes(b"\xc0\x00")
            elif message.data[0] == 0x32:
                length = 1 if message.data[1] < 0x80 else 2
                topic = 1 + length + 2 + int.from_bytes(message.data[1 + length : 3 + length])
                await ws.send_bytes(b"\x40\x02" + message.data[topic : topic + 2])

    return socket(serve, "/mqtt", protocols=("mqtt",))


async def test_mqtt_over_websocket_can_be_said_in_bytes(talk):
    said: list[bytes] = []
    there = await talk([broker(said)], MQTT, payload=300)
    await there.live(turns=2)
    connect, *others = said
    assert connect == b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06london"
    assert b"\xd0\x00" in others
    published = [packet for packet in others if packet[0] == 0x32]
    session = there.events(SessionReady)[0].session
    topic = f"t/{session}".encode()
    rest = len(topic).to_bytes(2) + topic + b"\x00\x01" + b"x" * 300
    assert published[0] == b"\x32" + bytes((len(rest) & 0x7F | 0x80, len(rest) >> 7)) + rest
    assert there.acked == [1, 2]


async def test_a_number_that_does_not_fit_says_which(talk):
    send = {"hex": "{seq:u8}"}
    driver = {"websocket": "/ws", "send": send, "ack": {"hex": "{sequence:u8}"}}
    there = await talk([socket(echo)], driver)
    frame = there.driver._is.send.frame
    assert frame({"seq": 255}) == b"\xff"
    with pytest.raises(ValueError, match=r"`\{seq:u8\}` is 256, which does not fit"):
        frame({"seq": 256})


async def test_base64_frames_and_json_in_binary_frames_are_read(talk):
    said = []

    async def serve(ws, _request):
        said.append((await ws.receive()).data)
        async for message in ws:
            await ws.send_bytes(json.dumps({"ok": json.loads(message.data)["n"]}).encode())

    driver = {
        "websocket": "/ws",
        "hello": {"base64": "AAECAw=="},
        "send": {"n": "{seq}"},
        "ack": "$.ok",
    }
    there = await talk([socket(serve)], driver)
    await there.live(turns=2)
    assert said == [b"\x00\x01\x02\x03"]
    assert there.acked == [1, 2]


# --- the handshake ---


async def test_subprotocols_and_compression_are_asked_for(talk):
    offered = []

    async def serve(ws, request):
        offered.append((request.headers["Sec-WebSocket-Protocol"], ws.ws_protocol, ws.compress))
        await echo(ws, request)

    driver = {**ECHO, "subprotocol": ["a.v2", "a.v1"], "compression": True}
    there = await talk([socket(serve, protocols=("a.v1",))], driver)
    await there.live(turns=1)
    assert offered == [("a.v2,a.v1", "a.v1", 15)]
    assert there.acked == [1]
    plain = await talk([socket(serve, protocols=("a.v1",))], {**driver, "compression": False})
    await plain.live(turns=1)
    assert offered[1][2] == 0


# --- in Python ---


async def test_a_client_asks_over_http_from_its_place_within_its_timeout(talk):
    async def hello(request):
        return web.json_response({"got": await request.json()}, status=418)

    async def silence(_request):
        await asyncio.get_running_loop().create_future()

    routes = [web.put("/hello", hello), web.get("/silence", silence)]
    there = await talk(routes, ECHO, timeout_s=1.0)
    async with aiohttp.ClientSession() as http:
        there.client.begin(http)
        answer = await there.client.request("PUT", "/hello", json={"a": 1})
        assert (answer.status, await answer.json()) == (418, {"got": {"a": 1}})
        with pytest.raises(TimeoutError):
            await there.client.request("GET", "/silence")


async def test_a_refusal_is_told_with_what_was_said(talk):
    async def serve(ws, _request):
        async for _ in ws:
            await ws.send_str("no room")

    there = await talk([socket(serve)], {**ECHO, "refused": "^no"})
    await there.live(turns=1)
    assert [event.reason for event in there.events(Failed)] == ["no room"]
