"""What the endpoints share: the world's app and machines, leases, and verbs under way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from aiohttp import web

from sim.clock import Clock
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import View, machine_json
from sim.deploys.deployer import Deployer
from sim.errors import SimError
from sim.machines import lease as leases
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.health import CheckState
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.runtime import WorldRuntime
from sim.rng import Rng
from sim.topology.addresses import AddressPlan
from sim.topology.model import Topology

NONCE_HEADER = "fly-machine-lease-nonce"
_DEPARTED_KEPT = 200


class ApiWorld(Protocol):
    """What of a world the API speaks of."""

    topology: Topology
    plan: AddressPlan
    clock: Clock
    fleet: Fleet
    health: HealthChecker
    rng: Rng
    machine_runtime: WorldRuntime
    deploys: Deployer


class ApiContext:
    """One for each site. Machines that were destroyed are remembered for a while, as at Fly."""

    def __init__(self, world: ApiWorld) -> None:
        self.world = world
        self.fleet = world.fleet
        self.clock = world.clock
        self.topology = world.topology
        self.view = View(
            world.fleet.default,
            world.topology.gateway,
            world.clock.unix_s,
            world.machine_runtime.private_host,
        )
        self.nonces = world.rng.fork("machines-api/leases")
        self._departed: dict[str, Machine] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        world.fleet.on_change(self._remember)

    # --- who is meant ------------------------------------------------------------------------

    def app(self, request: web.Request) -> str:
        """The app of the path, which has to be the world's. Raises Refusal."""
        name = request.match_info["app"]
        if name != self.topology.app:
            raise Refusal(404, f"app {name} not found; this world's app is {self.topology.app}")
        return name

    def machine(self, request: web.Request) -> Machine:
        """The machine of the path, a destroyed one too. Raises Refusal."""
        self.app(request)
        wanted = request.match_info["id"]
        found = self.fleet.machines.get(wanted) or self._departed.get(wanted)
        if found is None:
            raise Refusal(404, f"machine {wanted} not found")
        return found

    def held(self, request: web.Request) -> Machine:
        """The machine of the path, for one who may change it. Raises Refusal, LeaseHeldError."""
        machine = self.machine(request)
        if machine.state is State.DESTROYED:
            raise Refusal(404, f"machine {machine.id} was destroyed")
        leases.demand(machine.lease, nonce_of(request), self.clock.now(), machine.id)
        return machine

    @property
    def departed(self) -> Mapping[str, Machine]:
        """Machines that were destroyed, the latest last."""
        return self._departed

    def shown(self, machine: Machine) -> dict[str, Any]:
        """A machine as clients read it."""
        return machine_json(machine, self._checks(machine), self.view)

    # --- secrets ---------------------------------------------------------------------------

    @property
    def secrets_version(self) -> int:
        """The version that clients are told, higher than any that an earlier world has told.

        flyctl remembers the highest it has seen of an app, and asks for that from then on.
        """
        return round(self.clock.unix_s(0.0) * 1000) + self.fleet.secrets.version

    def change_secrets(self, values: Mapping[str, str | None]) -> int:
        """Set these, and remove those that are None; machines get them when they boot next."""
        self.fleet.change_secrets(values, staged=True)
        return self.secrets_version

    # --- what goes on ------------------------------------------------------------------------

    async def launch(self, machine: Machine, launching: Coroutine[Any, Any, None]) -> None:
        """Have a machine run as Fly does: whatever its checks find, it runs until it ends.

        So its restart policy counts from the beginning, and no failing check stops it.
        """
        await launching
        self.fleet.accept(machine)

    async def begin(self, doing: Coroutine[Any, Any, None]) -> None:
        """Have a verb done; come back once it is under way, as Fly does. Raises what refuses it.

        A verb changes the machine's state in its first step, or is refused in it.
        """
        task = asyncio.create_task(doing)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=0)
        if task.done():
            task.result()

    async def close(self) -> None:
        """End what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        # What a machine did not do is told by its state and events; a defect of ours is not.
        if error is not None and not isinstance(error, SimError):
            context = {"message": "a verb of the Machines API failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def _checks(self, machine: Machine) -> list[CheckState]:
        return self.world.health.checks(machine.id) if machine.id in self.fleet.machines else []

    def _remember(self, machine: Machine) -> None:
        if machine.state is State.DESTROYED:
            self._departed[machine.id] = machine
            while len(self._departed) > _DEPARTED_KEPT:
                del self._departed[next(iter(self._departed))]


def nonce_of(request: web.Request) -> str | None:
    """The lease that the client says it holds."""
    return request.headers.get(NONCE_HEADER)


def flag(request: web.Request, name: str) -> bool:
    """A yes or no of the query. Raises Refusal for anything else."""
    given = request.query.get(name, "").lower()
    if given in ("1", "true", "t"):
        return True
    if given in ("", "0", "false", "f"):
        return False
    raise Refusal(400, f"{name} is {given!r}; write true or false")


def number(request: web.Request, name: str) -> int | None:
    """A whole number of the query, or None. Raises Refusal."""
    given = request.query.get(name)
    if not given:
        return None
    text = given.removesuffix("s")  # some clients write seconds with their unit
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, f"{name} is {given!r}; write a whole number")
    return int(text)
