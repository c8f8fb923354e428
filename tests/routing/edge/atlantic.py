"""Two regions with anycast between them: edges, workers and machines on real sockets, no links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Self

from sim.authority import CertificateAuthority
from sim.clock import Clock
from sim.observe.events import EdgeConnection, PartFailed
from sim.observe.journal import Journal
from sim.routing.edge.backhaul import MachineOfWorker, Network
from sim.routing.edge.edge import Edge
from sim.routing.edge.loads import Loads, Wake
from sim.routing.edge.worker import Worker
from sim.routing.machine_choice import MachineView
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import (
    Concurrency,
    Coordinates,
    Gateway,
    Location,
    Region,
    Routing,
    Topology,
)
from tests.routing.edge.conftest import OK, Handler, ScriptedMachine
from tests.slot import SLOT, address

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

LIMITS = Concurrency()

REGIONS = {
    "fra": Region("fra", "Frankfurt", Coordinates(50.11, 8.68), primary=True),
    "iad": Region("iad", "Ashburn", Coordinates(39.02, -77.54)),
}


class Straight:
    """A backhaul without links: from an edge to the other region's worker."""

    def __init__(self, region: str, plan: AddressPlan, machine: MachineOfWorker) -> None:
        self.machine = machine
        self.doors = {other: plan.worker(other, region) for other in REGIONS if other != region}
        self.up = True
        self._region = region

    def door(self, region: str) -> Endpoint:
        return self.doors[region]

    def rtt_ms(self, region: str) -> float:
        return 0.5 if region == self._region else 92.0

    def is_up(self, region: str) -> bool:
        return region == self._region or self.up


class Atlantic:
    """Frankfurt's edge is where tests knock; the machines are wherever a test puts them."""

    def __init__(
        self, speed: float = 1.0, limits: Concurrency = LIMITS, wake: Wake | None = None
    ) -> None:
        self.clock = Clock(speed)
        self.journal = Journal(self.clock)
        authority = CertificateAuthority("demo.fly.dev")
        self.topology = Topology(
            app="demo",
            domain="fly.dev",
            gateway=Gateway(command=("true",), concurrency=limits),
            regions=REGIONS,
            locations={"london": Location("london", Coordinates(51.51, -0.13))},
            routing=Routing(mode="anycast"),
        )
        self.plan = AddressPlan(self.topology, SLOT)
        self.machines: list[MachineView] = []
        self.known_to_workers: list[MachineView] | None = None
        self.loads = Loads(wake)
        known = {region: partial(self._known, region) for region in REGIONS}
        self.backhauls = {region: Straight(region, self.plan, known[region]) for region in REGIONS}
        self.edges = {
            region: Edge(
                region,
                self.topology,
                self.plan,
                lambda: self.machines,
                self.clock,
                self.journal,
                authority=authority,
                network=Network(self.loads, self.backhauls[region]),
            )
            for region in REGIONS
        }
        workers = [
            Worker(
                region,
                self.plan,
                [r for r in REGIONS if r != region],
                known[region],
                self.journal,
                self.clock,
            )
            for region in REGIONS
        ]
        self._parts: list[Edge | Worker] = [*self.edges.values(), *workers]
        self._scripted: list[ScriptedMachine] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        for part in self._parts:
            await part.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            if not writer.is_closing():
                writer.transport.abort()
        for part in self._parts:
            await part.stop()
        for machine in self._scripted:
            await machine.stop()
        assert not [r for r in self.journal.records if isinstance(r.event, PartFailed)]
        assert not self.loads.by_machine

    def _known(self, region: str, machine: str) -> MachineView | None:
        known = self.machines if self.known_to_workers is None else self.known_to_workers
        return next((m for m in known if (m.region, m.id) == (region, machine)), None)

    async def machine(self, name: str, handler: Handler = OK, **view: Any) -> ScriptedMachine:
        """A further machine; `iad1` is in iad."""
        machine = ScriptedMachine(name, handler)
        await machine.start()
        machine.view = replace(machine.view, region=name[:3], **view)
        self._scripted.append(machine)
        self.machines.append(machine.view)
        return machine

    def dead(self, name: str, **view: Any) -> MachineView:
        """A machine that is believed healthy, and at whose port nobody listens."""
        nobody = Endpoint(address("150.9"), 9)
        self.machines.append(MachineView(name, nobody, healthy=True, region=name[:3], **view))
        return self.machines[-1]

    def becomes(self, name: str, **view: Any) -> None:
        """A machine is seen otherwise from now on."""
        self.machines[:] = [replace(m, **view) if m.id == name else m for m in self.machines]
        self.loads.changed()

    async def knock(
        self, edge: str = "fra", location: str | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to an edge."""
        door = self.plan.edge_for(edge, location) if location else self.plan.edge(edge)
        reader, writer = await asyncio.open_connection(door.host, door.port)
        self._writers.append(writer)
        return reader, writer

    async def ask(self, request: bytes = GET, edge: str = "fra") -> bytes:
        """What an edge says to that, until it closes."""
        reader, writer = await self.knock(edge)
        writer.write(request)
        answer: bytes = await self.within(reader.read())
        writer.close()
        return answer

    async def within(self, awaitable: Any, real_s: float = 10.0) -> Any:
        async with self.clock.timeout(real_s * self.clock.speed):
            return await awaitable

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let everything else go on until that holds."""
        async with self.clock.timeout(10 * self.clock.speed):
            while not holds():
                await self.clock.sleep(0)

    async def visits(self, count: int = 1) -> list[EdgeConnection]:
        """The connections that have ended, once there are that many."""
        more = asyncio.Event()
        self.journal.subscribe(lambda _record: more.set())
        async with self.clock.timeout(10 * self.clock.speed):
            while len(self.journal.records) < count:
                more.clear()
                await more.wait()
        return [r.event for r in self.journal.records if isinstance(r.event, EdgeConnection)]


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def field_of(answer: bytes, name: str) -> str | None:
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    pairs = (line.partition(": ") for line in lines)
    return next((value for key, _, value in pairs if key.lower() == name.lower()), None)


def machine_of(answer: bytes) -> str | None:
    return field_of(answer, "sim-machine")
