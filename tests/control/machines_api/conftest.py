"""A control server with the Machines API over machines that are none, asked over real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sim.clock import Clock
from sim.control.machines_api.machines_api_site import MachinesApi
from sim.control_server.control_server import ControlServer
from sim.deploys.deployer import Deployer
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.health import Result
from sim.machines.process import ProcessRuntime
from sim.machines.runtime import WorldRuntime
from sim.machines.specs import MachineContext, SpecBuilder
from sim.machines.starts import launch
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.topology.addresses import AddressPlan
from sim.topology.model import Topology
from tests.machines.test_fleet import FakeRuntime, topology

TOKEN = "a-token-of-the-test"
APP = "/v1/apps/atlas"
MACHINES = f"{APP}/machines"


@dataclass
class Small:
    """What the API asks of a world. `finding` is what every check finds."""

    topology: Topology
    plan: AddressPlan
    clock: Clock
    fleet: Fleet
    health: HealthChecker
    rng: Rng
    machine_runtime: WorldRuntime
    deploys: Deployer
    journal: Journal
    finding: Result = field(default_factory=lambda: Result(passed=True, output="status 200"))


@dataclass
class Answer:
    status: int
    body: Any
    text: str


class Api:
    """The world, and whoever asks its API; `runs` are the runs of its machines."""

    def __init__(self, world: Small, runtime: FakeRuntime, server: ControlServer, url: str) -> None:
        self.world, self.runtime, self.server, self.url = world, runtime, server, url
        self.answered: set[tuple[tuple[str, str], int]] = set()  # methods and paths, and how
        self.http = aiohttp.ClientSession()

    async def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {TOKEN}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.http.request(method, self.url + path, data=data, headers=sent) as got:
            text = await got.text()
            with contextlib.suppress(json.JSONDecodeError):
                return Answer(got.status, json.loads(text), text)
            return Answer(got.status, None, text)

    async def create(self, **more: Any) -> dict[str, Any]:
        """A machine of the topology's default kind, started."""
        config = {"image": "atlas:1", "services": [{"internal_port": 8080}]}
        answer = await self("POST", MACHINES, {"config": config, **more})
        assert answer.status == 200, answer.text
        return dict(answer.body)

    async def settled(self, machine: str) -> str:
        """The state that a machine comes to rest in."""
        answer = await self("GET", f"{MACHINES}/{machine}/wait?state=settled&timeout=10")
        assert answer.status == 200, answer.text
        return str((await self("GET", f"{MACHINES}/{machine}")).body["state"])

    def state(self) -> Any:
        """All that can be changed by it."""
        fleet = self.world.fleet
        machines = [
            (m.id, m.state, m.instance_id, m.cordoned, m.lease, dict(m.config.metadata))
            for m in fleet.machines.values()
        ]
        return machines, dict(fleet.secrets), fleet.secrets.version, len(self.runtime.runs)


@contextlib.asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[Api]:
    """The API of a world of iad and fra, one machine each, started; at twenty times the speed."""
    what = topology("python", "-m", "gateway", fra=1)
    clock = Clock(20.0)
    journal = Journal(clock)
    runtime = FakeRuntime(clock)

    async def probe(*_: object) -> Result:
        return world.finding

    health = HealthChecker(clock, Rng(7), journal, probe)
    plan = AddressPlan(what, 92)
    specs = SpecBuilder(what, plan, Rng(7), MachineContext("w1", tmp_path))
    fleet = Fleet(what, runtime, specs, health, clock, journal)
    deploys = Deployer(what, fleet, health, clock, journal)
    programs = ProcessRuntime(clock, plan)
    world = Small(what, plan, clock, fleet, health, Rng(7), programs, deploys, journal)
    site = MachinesApi(world)
    listener = socket.create_server(("127.0.0.1", 0))
    server = ControlServer([listener], TOKEN)
    server.mount(site)
    await server.start()
    api = Api(world, runtime, server, f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        await launch(fleet)
        yield api
    finally:
        await server.stop()
        await api.http.close()
        await site.close()
        await health.stop()
        await fleet.close()


@pytest.fixture
async def api(tmp_path):
    async with served(tmp_path) as api:
        yield api
