"""The recipes of docs/protocols.md, as they stand there, each against a server of its protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from aiohttp import WSMsgType, web

from sim.clients.ending import NO_CLOSE_FRAME, NO_CODE, ConnectionOverError
from sim.observe.events import Failed, SessionReady
from sim.schemas.validate import validate
from tests.clients.talking import socket

ROOT = Path(__file__).parents[2]
PAGES = ("drivers.md", "protocols.md")
SHOWN = {
    re.findall(r"# (\S+\.yaml)", block)[0]: block
    for page in PAGES
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
}


def recipe(name, **changes):
    return {**yaml.safe_load(SHOWN[name]), **changes}


@pytest.mark.parametrize("name", SHOWN)
def test_every_driver_that_is_shown_is_valid(tmp_path, name):
    (tmp_path / name).write_text(SHOWN[name])
    assert validate([tmp_path / name]) == []


def test_every_recipe_is_in_the_pages_table():
    text = (ROOT / "docs" / "protocols.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"\]\(#([^)]+)\)", text) == anchors


# --- the servers ---


async def texts(ws):
    async for message in ws:
        assert message.type is WSMsgType.TEXT
        yield message.data


def tickets():
    async def post(request):
        assert (await request.json())["for"] in request.headers["Authorization"]
        return web.json_response({"ticket": "t 1"}, status=201)

    async def live(ws, request):
        assert request.query["ticket"] == "t 1"
        async for text in texts(ws):
            await ws.send_json({"op": "said", "n": json.loads(text)["n"]})

    return [web.post("/tickets", post), socket(live, "/live")]


def socketio():
    async def serve(ws, request):
        assert request.query["transport"] == "websocket"
        await ws.send_str('0{"sid":"x","pingInterval":25000}')
        assert await ws.receive_str() == '40{"name":"london"}'
        await ws.send_str('40{"sid":"y"}')
        await ws.send_str("2")
        assert await ws.receive_str() in {"3", '421["say","xxxxxxxx"]'}
        await ws.send_str("431[]")
        async for text in texts(ws):
            if found := re.fullmatch(r'42(\d+)\["say","x{8}"\]', text):
                await ws.send_str(f"43{found[1]}[]")

    return [socket(serve, "/socket.io/")]


def graphql():
    async def serve(ws, _request):
        assert ws.ws_protocol == "graphql-transport-ws"
        assert json.loads(await ws.receive_str())["type"] == "connection_init"
        await ws.send_json({"type": "ping"})
        await ws.send_json({"type": "connection_ack"})
        async for text in texts(ws):
            said = json.loads(text)
            if said["type"] == "subscribe":
                assert isinstance(said["id"], str)
                await ws.send_json({"type": "next", "id": said["id"], "payload": {}})

    return [socket(serve, "/graphql", protocols=("graphql-transport-ws",))]


def signalr():
    async def negotiate(_request):
        return web.json_response({"connectionToken": "tok"})

    async def serve(ws, request):
        assert request.query["id"] == "tok"
        assert await ws.receive_str() == '{"protocol":"json","version":1}\x1e'
        await ws.send_str("{}\x1e")
        async for text in texts(ws):
            said = json.loads(text.removesuffix("\x1e"))
            done = {"type": 3, "invocationId": said["invocationId"]}
            await ws.send_str(json.dumps(done, separators=(",", ":")) + "\x1e")

    return [web.post("/hub/negotiate", negotiate), socket(serve, "/hub")]


def phoenix():
    async def serve(ws, _request):
        async for text in texts(ws):
            joined, ref, topic, _event, _payload = json.loads(text)
            ok = {"response": {}, "status": "ok"}
            answer = [joined, ref, topic, "phx_reply", ok]
            await ws.send_str(json.dumps(answer, separators=(",", ":")))

    return [socket(serve, "/socket/websocket")]


def xmpp():
    frame = "urn:ietf:params:xml:ns:xmpp-framing"
    bind = "urn:ietf:params:xml:ns:xmpp-bind"

    async def serve(ws, _request):
        assert ws.ws_protocol == "xmpp"
        features = ["<mechanisms><mechanism>ANONYMOUS</mechanism></mechanisms>"]
        features.append(f"<bind xmlns='{bind}'/>")
        async for text in texts(ws):
            stanza = ET.fromstring(text)  # noqa: S314 - our own client's
            match stanza.tag.partition("}")[2]:
                case "open":
                    await ws.send_str(f"<open xmlns='{frame}'/>")
                    await ws.send_str(f"<features>{features.pop(0)}</features>")
                case "auth":
                    await ws.send_str("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
                case "iq":
                    await ws.send_str("<iq id='bind'><bind><jid>a@b/c</jid></bind></iq>")
                case "message":
                    assert stanza.get("to") == "a@b/c"
                    await ws.send_str(f"<message from='a@b/c' id='{stanza.get('id')}'/>")

    return [socket(serve, "/xmpp-websocket", protocols=("xmpp",))]


def mqtt(puback=lambda number: b"\x40\x02" + number):
    async def serve(ws, _request):
        assert ws.ws_protocol == "mqtt"
        connect = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x06london"
        assert await ws.receive_bytes() == bytes((0x10, len(connect))) + connect
        await ws.send_bytes(b"\x20\x02\x00\x00")
        await ws.send_bytes(b"\xc0\x00")
        async for message in ws:
            if message.data[0] == 0x32:
                length = 1 if message.data[1] < 0x80 else 2
                topic = message.data[1 + length :]
                size = int.from_bytes(topic[:2])
                assert topic[2:7] == b"room/"
                await ws.send_bytes(puback(topic[2 + size : 4 + size]))
            else:
                assert message.data == b"\xd0\x00"

    return [socket(serve, "/mqtt", protocols=("mqtt",))]


def media():
    async def serve(ws, _request):
        begun = [json.loads(await ws.receive_str())["event"] for _ in range(2)]
        assert begun == ["connected", "start"]
        async for text in texts(ws):
            frame = json.loads(text)["media"]
            assert base64.b64decode(frame["payload"]) == b"x" * 8
            await ws.send_json({"event": "mark", "mark": {"name": frame["chunk"]}})

    return [socket(serve, "/media")]


def binary():
    async def serve(ws, _request):
        assert ws.compress
        assert await ws.receive_bytes() == b"\x01\x06london"
        async for message in ws:
            assert message.data[5:] == b"\x00\x08xxxxxxxx"
            await ws.send_bytes(b"\x82" + message.data[1:5])

    return [socket(serve, "/frames")]


class Rooms:
    """Rooms over plain HTTP: messages by POST, news by Server-Sent Events or by long polling."""

    def __init__(self, posted=201):
        self.posted = posted
        self.messages = []
        self.streams = []
        self.resumed_from = []
        self.refuses = False
        self._news = asyncio.Event()

    @property
    def routes(self):
        return [
            web.get("/rooms/{room}/events", self._events),
            web.get("/rooms/{room}/news", self._poll),
            web.get("/rooms/{room}/cursor", self._cursor),
            web.post("/rooms/{room}", self._post),
            web.get("/rooms/{room}", self._stored),
            web.post("/rooms", self._open),
        ]

    async def _post(self, request):
        if self.refuses:
            raise web.HTTPConflict(text="closed")
        self.messages.append((await request.json())["n"])
        for stream in self.streams:
            await self._tell(stream, len(self.messages))
        self._news.set()
        return web.Response(status=self.posted)

    async def _stored(self, _request):
        return web.json_response([{"n": number} for number in self.messages])

    async def _events(self, request):
        assert request.headers["Accept"] == "text/event-stream"
        self.resumed_from.append(request.headers.get("Last-Event-ID"))
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        welcome = json.dumps({"seen": max(self.messages, default=0)})
        await stream.write(f": hello\r\nevent: welcome\r\ndata: {welcome}\r\n\r\n".encode())
        self.streams.append(stream)
        await asyncio.get_running_loop().create_future()

    async def _tell(self, stream, count):
        if stream._req.transport is not None:
            event = f'event: saved\nid: {count}\ndata: {{\ndata:  "n": {self.messages[-1]}}}\n\n'
            for part in (event[:9].encode(), event[9:].encode()):
                await stream.write(part)

    async def _open(self, _request):
        return web.json_response({"room": "r1", "cursor": 0})

    async def _cursor(self, _request):
        return web.json_response({"cursor": len(self.messages)})

    async def _poll(self, request):
        after = int(request.query["after"])
        while after >= len(self.messages):
            self._news.clear()
            await self._news.wait()
        news = [{"kind": "saved", "n": number} for number in self.messages[after:]]
        return web.json_response({"cursor": len(self.messages), "news": news})


SERVERS = {
    "ticket.yaml": tickets,
    "socketio.yaml": socketio,
    "graphql.yaml": graphql,
    "signalr.yaml": signalr,
    "phoenix.yaml": phoenix,
    "xmpp.yaml": xmpp,
    "mqtt.yaml": mqtt,
    "media.yaml": media,
    "binary.yaml": binary,
    "events.yaml": lambda: Rooms().routes,
}


@pytest.mark.parametrize("name", SERVERS)
async def test_a_recipe_talks_to_a_server_of_its_protocol(talk, name):
    there = await talk(SERVERS[name](), recipe(name))
    await there.live(turns=3)
    assert there.acked == [1, 2, 3]
    (ready,) = there.events(SessionReady)
    assert not ready.resumed


async def test_a_binary_answer_that_is_malformed_acknowledges_nothing(talk):
    """PUBACK with half of its number: the message is unanswered, and says so in time."""
    there = await talk(
        mqtt(lambda number: b"\x40\x02" + number[:1]), recipe("mqtt.yaml"), timeout_s=1.0
    )
    with pytest.raises(TimeoutError, match="no acknowledgement within 1 s"):
        await there.live(turns=10)
    assert there.acked == []


# --- Server-Sent Events ---


async def test_an_event_stream_that_ends_is_resumed_after_its_last_event(talk):
    rooms = Rooms()
    there = await talk(rooms.routes, recipe("events.yaml"))
    await there.live(turns=2)
    await there.live(turns=2)
    assert there.acked == [1, 2, 3, 4]
    assert rooms.resumed_from == [None, "2"]
    assert [(e.resumed, e.acked) for e in there.events(SessionReady)] == [(False, 0), (True, 2)]


async def test_the_end_of_an_event_stream_is_the_gateways(talk):
    async def stream(request):
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"event: welcome\ndata: {}\n\n")
        return answer

    there = await talk([web.get("/rooms/{room}/events", stream)], recipe("events.yaml"))
    with pytest.raises(ConnectionOverError, match="the event stream ended"):
        await there.live()
    assert there.client.closed.code == NO_CODE  # a close without a code, in a WebSocket's words


async def test_an_event_stream_that_breaks_off_is_said_as_one(talk):
    async def stream(request):
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"event: welcome\ndata: {}\n\n")
        request.transport.abort()
        return answer

    there = await talk([web.get("/rooms/{room}/events", stream)], recipe("events.yaml"))
    with pytest.raises(ConnectionOverError, match="broke: the event stream broke off"):
        await there.live()
    assert there.client.closed.code == NO_CLOSE_FRAME


async def test_what_is_no_event_stream_is_shown_with_status_and_body(talk):
    async def no(_request):
        raise web.HTTPServiceUnavailable(text="not yet")

    there = await talk([web.get("/rooms/{room}/events", no)], recipe("events.yaml"))
    with pytest.raises(ConnectionOverError, match=r"status 503 .* instead of .*: not yet"):
        await there.live()


async def test_a_post_may_acknowledge_by_its_status_and_refuse_by_another(talk):
    rooms = Rooms()
    there = await talk(rooms.routes, recipe("events.yaml", ack={"status": 201}))
    await there.live(turns=2)
    rooms.refuses = True
    await there.live(turns=1)
    assert there.acked == [1, 2]
    assert [(e.seq, e.reason) for e in there.events(Failed)] == [(3, "status 409: closed")]


async def test_an_errors_page_acknowledges_nothing(talk):
    """Its body matches `ack`, by chance; what became of the message nobody knows."""

    async def post(_request):
        return web.Response(status=503, text="503 of 1 machines")

    routes = [web.get("/rooms/{room}/events", Rooms()._events), web.post("/rooms/{room}", post)]
    there = await talk(routes, recipe("events.yaml", ack="of (?P<sequence>[0-9]+)"))
    with pytest.raises(ConnectionOverError, match=r"POST /rooms/\{session\}: status 503"):
        await there.live()
    assert there.acked == []
    assert not there.events(Failed)
    assert there.client.closed.code == NO_CLOSE_FRAME


# --- polling ---


async def test_news_are_polled_from_where_they_were_read_to(talk):
    rooms = Rooms(posted=202)
    there = await talk(rooms.routes, recipe("polling.yaml"))
    await there.live(turns=3)
    await there.live(turns=2)
    assert there.acked == [1, 2, 3, 4, 5]
    assert rooms.messages == [1, 2, 3, 4, 5]
    assert [(e.session, e.resumed) for e in there.events(SessionReady)] == [
        ("r1", False),
        ("r1", True),
    ]


@pytest.mark.parametrize("status", [204, 304, 408])
async def test_a_poll_that_brings_nothing_is_made_again(talk, status):
    polls = []
    rooms = Rooms(posted=202)

    async def poll(request):
        polls.append(request)
        return web.Response(status=status) if len(polls) < 3 else await rooms._poll(request)

    routes = [web.get("/rooms/{room}/news", poll), *rooms.routes]
    driver = recipe("polling.yaml")
    driver["poll"] = {**driver["poll"], "every": "100ms"}
    there = await talk(routes, driver)
    await there.live(turns=1)
    assert there.acked == [1]
    assert len(polls) >= 3


async def test_a_poll_that_is_refused_ends_the_connection(talk):
    async def poll(_request):
        raise web.HTTPGone(text="closed")

    routes = [web.get("/rooms/{room}/news", poll), *Rooms(posted=202).routes]
    there = await talk(routes, recipe("polling.yaml"))
    with pytest.raises(ConnectionOverError, match=r": status 410 instead of messages: closed"):
        await there.live()
    assert there.client.closed.code == NO_CODE
