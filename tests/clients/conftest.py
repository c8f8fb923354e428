"""A small world on real sockets: two regions, two locations, a tiny gateway, no link delays."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from sim.authority import CertificateAuthority
from sim.clients.load import Load
from sim.clients.load_spec import LoadSpec
from sim.clients.vantage import ClientContext
from sim.clock import Clock
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.routing.edge import Edge, MachineView
from sim.routing.resolver import Resolver
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Coordinates, Gateway, Location, Region, Routing, Topology
from tests.clients.talking import Talk
from tests.slot import SLOT

PORT = 8080


def topology(ttl_s=1.0):
    return Topology(
        app="demo",
        domain="fly.dev",
        gateway=Gateway(command=("true",)),
        regions={
            "iad": Region("iad", "Ashburn", Coordinates(39.04, -77.49), primary=True),
            "fra": Region("fra", "Frankfurt", Coordinates(50.11, 8.68)),
        },
        locations={
            "new-york": Location("new-york", Coordinates(40.71, -74.01), share=60),
            "london": Location("london", Coordinates(51.51, -0.13), share=40),
        },
        routing=Routing(ttl_s=ttl_s),
    )


class TinyGateway:
    """The session protocol over a store in memory, which several gateways may share."""

    def __init__(self, endpoint, region, store):
        self.endpoint = endpoint
        self.region = region
        self.store = store
        self.deduplicates = True
        self.silent = False  # takes no notice of what it is told
        self.mute = False  # stores, and does not say so
        self.holds_already = 0  # what a new session begins with
        self.sockets = set()
        self._stored = asyncio.Event()
        self.requests = []
        self.bodies = []
        self.status = 200
        self._runner = None

    async def start(self):
        app = web.Application()
        app.router.add_get("/session", self._session)
        app.router.add_get("/echo", self._echo)
        app.router.add_get("/greet", self._echo)
        app.router.add_get("/live", self._live)
        app.router.add_get("/rooms/{room:.*}", self._room)
        app.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handle_signals=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.endpoint.host, self.endpoint.port).start()

    async def crash(self):
        """End as a killed process does: connections cut without a word."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for server in runner.sites:
            await server.stop()
        self.drop()
        await runner.cleanup()

    async def holds(self, count):
        """Wait until that many messages are stored."""
        while sum(map(len, self.store.values())) < count:
            self._stored.clear()
            await self._stored.wait()

    def drop(self):
        """Cut every WebSocket without a word."""
        for socket in list(self.sockets):
            if socket._req.transport is not None:
                socket._req.transport.abort()

    async def say(self, text):
        for socket in list(self.sockets):
            await socket.send_str(text)

    async def bid_farewell(self):
        for socket in list(self.sockets):
            await socket.close(code=1001, message=b"bye")

    async def _any(self, request):
        self.requests.append(request)
        self.bodies.append(await request.text())
        bodiless = self.status in {204, 304}
        text = None if bodiless else f"hello from {self.region}"
        return web.Response(text=text, status=self.status)

    async def _echo(self, request):
        async with self._socket(request) as socket:
            async for message in socket:
                if not self.silent:
                    await socket.send_str(message.data)
        return socket

    async def _session(self, request):
        name = request.query["id"]
        async with self._socket(request) as socket:
            held = self.store[name]
            ready = {"type": "ready", "session": name, "region": self.region}
            acked = max(held, default=self.holds_already)
            await socket.send_json({**ready, "machine": "m", "acked": acked})
            async for message in socket:
                if message.type is not WSMsgType.TEXT or self.silent:
                    continue
                seq = json.loads(message.data)["seq"]
                if seq not in held or not self.deduplicates:
                    held.append(seq)
                    self._stored.set()
                if not self.mute:
                    await socket.send_json({"type": "ack", "seq": seq})
        return socket

    async def _live(self, request):
        """A chat: whoever has a ticket is in the room of its name, and all that is said is kept."""
        room = f"room of {request.query['ticket']}"
        async with self._socket(request) as socket:
            async for message in socket:
                said = json.loads(message.data)
                if said["op"] == "join":
                    await socket.send_json({"op": "joined", "room": room})
                else:
                    self.store[room].append(said["n"])
                    self._stored.set()
                    await socket.send_json({"op": "said", "n": said["n"]})
        return socket

    async def _room(self, request):
        room = request.match_info["room"]
        if room not in self.store:
            raise web.HTTPNotFound
        return web.json_response({"messages": [{"n": n} for n in self.store[room]]})

    @asynccontextmanager
    async def _socket(self, request):
        self.requests.append(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            yield socket
        finally:
            self.sockets.discard(socket)


class Splice(asyncio.Protocol):
    """A link without delay: each connection goes on to `target`."""

    def __init__(self, target):
        self.target = target

    def connection_made(self, transport):
        self.transport = transport
        self.far = None
        self.early = b""
        self.task = asyncio.ensure_future(self._reach())

    async def _reach(self):
        near = self.transport

        class Far(asyncio.Protocol):
            def data_received(self, data):
                near.write(data)

            def connection_lost(self, _exc):
                near.close()

        loop = asyncio.get_running_loop()
        self.far, _ = await loop.create_connection(Far, self.target.host, self.target.port)
        self.far.write(self.early)

    def data_received(self, data):
        if self.far is None:
            self.early += data
        else:
            self.far.write(data)

    def connection_lost(self, _exc):
        self.task.cancel()
        if self.far is not None:
            self.far.close()


class SmallWorld:
    """The parts, wired as a world wires them."""

    def __init__(self, speed, *, force_https):
        plain = topology()
        gateway = replace(plain.gateway, force_https=force_https)
        self.topology = replace(plain, gateway=gateway)
        self.clock = Clock(speed)
        self.journal = Journal(self.clock)
        self.plan = AddressPlan(self.topology, SLOT)
        self.authority = CertificateAuthority(self.topology.hostname)
        self.store: defaultdict[str, list[int]] = defaultdict(list)
        self.gateways = {
            region: TinyGateway(Endpoint(self.plan.machine(region, 0), PORT), region, self.store)
            for region in self.topology.regions
        }
        self.healthy = dict.fromkeys(self.topology.regions, True)
        self.resolver = Resolver(self.topology, self.plan, self.clock, self.journal, port=1093)
        self.edges = {region: self._edge(region) for region in self.topology.regions}

    def _edge(self, region):
        def machines():
            endpoint = self.gateways[region].endpoint
            return [MachineView(f"{region}-1", endpoint, self.healthy[region], region)]

        return Edge(
            region,
            self.topology,
            self.plan,
            machines,
            self.clock,
            self.journal,
            authority=self.authority,
        )

    def context(self):
        return ClientContext(
            self.topology, self.plan, 1093, self.clock, self.journal, self.authority
        )

    def load(self, **fields):
        return Load(LoadSpec(**fields), self.context(), Rng(7, "load"))

    def events(self, kind):
        return [record.event for record in self.journal.records if isinstance(record.event, kind)]

    async def seen(self, kind, count, such=lambda _event: True, within_real_s=5.0):
        """Wait until the journal has that many such events of a kind."""
        more = asyncio.Event()
        self.journal.subscribe(lambda _record: more.set())
        async with self.clock.timeout(within_real_s * self.clock.speed):
            while len([event for event in self.events(kind) if such(event)]) < count:
                more.clear()
                await more.wait()
        return self.events(kind)

    def serve(self, *regions):
        for region in self.healthy:
            self.healthy[region] = region in regions
        self.resolver.serve(regions)


@pytest.fixture
def small_topology():
    """Two regions and two locations, New York with 60 % and London with 40 % of the clients."""
    return topology()


@pytest.fixture
async def small_world():
    async with AsyncExitStack() as stack:

        async def make(speed=10.0, *, force_https=False):
            world = SmallWorld(speed, force_https=force_https)
            loop = asyncio.get_running_loop()
            for gateway in world.gateways.values():
                await gateway.start()
                stack.push_async_callback(gateway.crash)
            for region, edge in world.edges.items():
                await edge.start()
                stack.push_async_callback(edge.stop)
                for location in world.topology.locations:
                    near = world.plan.link(location, region)
                    target = world.plan.edge_for(region, location)
                    server = await loop.create_server(partial(Splice, target), near.host, near.port)
                    stack.callback(server.close)
            await world.resolver.start()
            stack.push_async_callback(world.resolver.stop)
            world.resolver.serve(tuple(world.topology.regions))
            return world

        yield make


@pytest.fixture
async def talk():
    """Make a Talk with the routes of a server and a driver."""
    servers = []

    async def make(routes, driver, *, payload=8, timeout_s=5.0):
        app = web.Application()
        app.add_routes(routes)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return Talk(server, driver, payload=payload, timeout_s=timeout_s)

    yield make
    for server in servers:
        await server.close()
