"""An edge on real sockets, with machines whose every byte the test decides."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from sim.authority import CertificateAuthority
from sim.clock import Clock
from sim.observe.events import EdgeConnection, PartFailed
from sim.observe.journal import Journal
from sim.routing.edge import Edge, MachineView
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Coordinates, Gateway, Location, Region, Topology
from tests.slot import SLOT, address

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_numbers = itertools.cycle(range(10, 250))

TOPOLOGY = Topology(
    app="demo",
    domain="fly.dev",
    gateway=Gateway(command=("true",)),
    regions={"fra": Region("fra", "Frankfurt", Coordinates(50.11, 8.68), primary=True)},
    locations={
        "new-york": Location("new-york", Coordinates(40.71, -74.01)),
        "london": Location("london", Coordinates(51.51, -0.13)),
    },
)


class ScriptedMachine:
    """Listens, keeps the head of every request it gets, and lets `handler` do the rest."""

    def __init__(self, name: str, handler: Handler) -> None:
        self.view = MachineView(
            name, Endpoint(address(f"150.{next(_numbers)}"), 8080), healthy=True, region="fra"
        )
        self.heads: list[bytes] = []
        self.connections = 0
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        endpoint = self.view.endpoint
        self._server = await asyncio.start_server(self._serve, endpoint.host, endpoint.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            if not writer.is_closing():
                writer.transport.abort()

    def headers(self, index: int = -1) -> list[tuple[str, str]]:
        lines = self.heads[index].decode().split("\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]

    def header(self, name: str) -> str | None:
        return next((v for k, v in self.headers() if k.lower() == name.lower()), None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await self._handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def says(answer: bytes) -> Handler:
    """A machine that answers every request so."""

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handler


OK = says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Front:
    """An edge of Frankfurt, the machines behind it, and ways to knock at it."""

    def __init__(self, topology: Topology = TOPOLOGY) -> None:
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.authority = CertificateAuthority(topology.hostname)
        self.topology = topology
        self.plan = AddressPlan(topology, SLOT)
        self.machines: list[MachineView] = []
        self._scripted: list[ScriptedMachine] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.edge = Edge(
            "fra",
            topology,
            self.plan,
            lambda: self.machines,
            self.clock,
            self.journal,
            authority=self.authority,
        )

    async def machine(self, handler: Handler = OK, name: str | None = None) -> ScriptedMachine:
        """A further machine in the region."""
        machine = ScriptedMachine(name or f"m{len(self.machines) + 1}", handler)
        await machine.start()
        self._scripted.append(machine)
        self.machines.append(machine.view)
        return machine

    async def knock(
        self, location: str | None = None, **options: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the edge, from a location or from nowhere."""
        plan = self.plan
        door = plan.edge("fra") if location is None else plan.edge_for("fra", location)
        reader, writer = await asyncio.open_connection(door.host, door.port, **options)
        self._writers.append(writer)
        return reader, writer

    async def ask(self, request: bytes, location: str | None = None) -> bytes:
        """What the edge says to that, until it closes."""
        reader, writer = await self.knock(location)
        writer.write(request)
        answer: bytes = await self.within(reader.read())
        writer.close()
        return answer

    async def within(self, awaitable: Awaitable[Any], seconds: float = 10.0) -> Any:
        async with self.clock.timeout(seconds):
            return await awaitable

    async def visits(self, count: int = 1) -> list[EdgeConnection]:
        """The connections that have ended, once there are that many."""
        more = asyncio.Event()
        self.journal.subscribe(lambda _record: more.set())
        async with self.clock.timeout(10.0):
            while len(self.journal.records) < count:
                more.clear()
                await more.wait()
        return [r.event for r in self.journal.records if isinstance(r.event, EdgeConnection)]

    async def stop(self) -> None:
        for writer in self._writers:
            if not writer.is_closing():
                writer.transport.abort()
        await self.edge.stop()
        for machine in self._scripted:
            await machine.stop()
        assert not [r for r in self.journal.records if isinstance(r.event, PartFailed)]


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """A started edge without machines."""
    front = Front()
    await front.edge.start()
    yield front
    await front.stop()


@pytest.fixture
async def idle_front() -> AsyncIterator[Front]:
    """A started edge that soon ends a connection on which no request is under way."""
    gateway = replace(TOPOLOGY.gateway, idle_timeout_s=0.15)
    front = Front(replace(TOPOLOGY, gateway=gateway))
    await front.edge.start()
    yield front
    await front.stop()
