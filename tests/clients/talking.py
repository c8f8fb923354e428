"""One client of a declared driver, at one small server of aiohttp, without a world around it."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace

import aiohttp
from aiohttp import WSMsgType, web

from sim.clients.client import Client
from sim.clients.driver_loading import load_driver
from sim.clients.load_spec import LoadSpec
from sim.clients.websocket import Wire
from sim.clock import Clock
from sim.observe.events import Acked, Sent
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.scenario.driver_section import read_declaration
from sim.scenario.reading import Reading
from sim.topology.yaml_document import Document

SPEED = 10.0


class Place:
    """A vantage point that reaches one server directly."""

    name = location = "london"
    region = "fra"
    doing = "waiting for an answer"

    def __init__(self, server):
        self._server = server

    def url(self, path, scheme="http"):
        return str(self._server.make_url("/")).rstrip("/").replace("http", scheme, 1) + path


class Term:
    """A load that is over once so many messages went out, and closes when they are answered."""

    def __init__(self, clock, journal):
        self.ends_at = math.inf
        self._clock = clock
        self._left = 0
        self._settled = asyncio.Event()
        journal.subscribe(self._count)

    def begin(self, client, turns):
        self.ends_at, self._left = math.inf, turns
        client.on_settled = self._settled.set

    async def closing(self):
        await self._settled.wait()

    def _count(self, record):
        if isinstance(record.event, Sent):
            self._settled.clear()
            self._left -= 1
            if self._left == 0:
                self.ends_at = self._clock.now()


class Talk:
    """A client of a declared driver at a server, through as many connections as are asked for."""

    def __init__(self, server, driver, *, payload, timeout_s):
        reading = Reading(Document(driver), None)
        declaration = read_declaration(reading, driver, (), "mine.yaml")
        assert [str(problem) for problem in reading.problems] == []
        assert declaration is not None
        self.driver = load_driver(declaration)()
        self.clock = Clock(SPEED)
        self.journal = Journal(self.clock)
        self._term = Term(self.clock, self.journal)
        spec = LoadSpec(every_s=0.5, payload_bytes=payload, timeout_s=timeout_s)
        setting = SimpleNamespace(clock=self.clock, journal=self.journal)
        self.client = Client(Place(server), spec, self._term, setting, Rng(7))  # type: ignore[arg-type]
        self._jar = aiohttp.CookieJar(unsafe=True)

    async def live(self, turns=3):
        """One connection's life; what the driver raises comes out."""
        self._term.begin(self.client, turns)
        async with aiohttp.ClientSession(cookie_jar=self._jar, ws_response_class=Wire) as http:
            self.client.begin(http)
            try:
                await self.driver.run(self.client)
            finally:
                self.client.end()

    def events(self, kind):
        return [event for _, event in self.journal.records if isinstance(event, kind)]

    @property
    def acked(self):
        return [event.seq for event in self.events(Acked)]


def socket(handle, path="/ws", **options):
    """A route that hands each WebSocket to `handle(socket, request)`."""

    async def serve(request):
        ws = web.WebSocketResponse(**options)
        await ws.prepare(request)
        await handle(ws, request)
        return ws

    return web.get(path, serve)


async def echo(ws, _request):
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await ws.send_bytes(message.data)
