"""The world: every part of a simulation, built from a topology, started in order, ended in reverse.

    folder ─ control address (claims the slot) ─ journal ─ link server
    ├─ services ── links region → service ── machines, until their checks pass ──┐
    ├─ edges ── links location → region (anycast: and between regions)          ├─ ready
    └─ nameservers                                                              ┘

The branches come up side by side. What was started is ended on every path, also where a later
part does not come up.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from sim import __version__, registry, trust
from sim.alerts.alarm import Alarm
from sim.alerts.channels import CommandContext
from sim.authority import CertificateAuthority
from sim.cleanup import clean_up_abandoned
from sim.clients.blame import mistake_in_callback
from sim.clients.own_tasks import hearing_callbacks
from sim.clock import Clock
from sim.deploys.deployer import Deployer
from sim.errors import single_error
from sim.host.watch import HostWatch
from sim.lens.choice import ClockName, choose
from sim.machines.app_secrets import AppSecrets
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.fleet_mishaps import Mishaps
from sim.machines.runtime import RuntimeName, WorldRuntime
from sim.machines.runtimes import in_containers, make_runtime, tried_lens
from sim.machines.specs import MachineContext, SpecBuilder
from sim.machines.starts import launch
from sim.network import link_server
from sim.network.links import Links
from sim.network.python_client import bound_to
from sim.network.toxiproxy_api import LinkServerClient
from sim.observe.events import DriverRaised, HostFound, RunStarted
from sim.observe.journal import Journal
from sim.own_parts import kept_parts, main_processes
from sim.places.entry import Entries
from sim.processes.descriptors import take_descriptors
from sim.registry import WorldRecord
from sim.rng import Rng
from sim.routing.ingress import Ingress
from sim.routing.internal_nameserver import InternalNames
from sim.routing.machine_pool import MachinePool
from sim.routing.resolver import Resolver
from sim.routing.steering import Steering
from sim.scenario.runner import client_context_of
from sim.secrets import redactor
from sim.services.services import ServiceContext, Services
from sim.services.transport_timers import TransportTimers
from sim.slots import claim
from sim.startup import Startup
from sim.topology.addresses import PUBLIC_PORT, AddressPlan
from sim.topology.model import Topology
from sim.upkeep import Upkeep

T = TypeVar("T")


class World:
    """One running simulation of a topology. Use as `async with World(…) as world`."""

    def __init__(
        self,
        topology: Topology,
        *,
        seed: int,
        speed: float = 1.0,
        secrets: Mapping[str, str] | None = None,
        journal_path: Path | None = None,
        scenario: Mapping[str, Any] | None = None,
        runtime: RuntimeName = "process",
        clock: ClockName = "lens",
    ) -> None:
        self.topology = topology
        self.seed = seed
        self.speed = speed
        self.runtime = runtime
        self.clock: Clock
        self.plan: AddressPlan
        self.journal: Journal
        self.alarm: Alarm
        self.record: WorldRecord
        self.machine_runtime: WorldRuntime
        self.fleet: Fleet
        self.deploys: Deployer
        self.health: HealthChecker
        self.links: Links
        self.ingress: Ingress
        self.resolver: Resolver
        self.steering: Steering
        self.services: Services
        self.listener: socket.socket
        self.upkeep: Upkeep
        self.authority = CertificateAuthority(topology.hostname)
        self.entries = Entries()
        self.rng = Rng(seed)
        self.startup = Startup()
        self.keep_logs_in: Path | None = None  # what was printed goes with the folder otherwise
        self._scenario = scenario
        self._journal_path = journal_path
        self._secrets = dict(secrets or {})
        self._stack = AsyncExitStack()
        self.real_ms: dict[str, float] = {}  # the real way to a region's machines, simulated
        self._told: dict[str, dict[str, str]] = {}  # what each region's machines know of services
        self.nameservers: dict[str, str] = {}  # where each region's machines ask for names
        self._names: InternalNames
        self._stock = link_server.find(containers=in_containers(runtime))
        self.process_clock = choose(clock, speed, partial(tried_lens, runtime, topology.hosts))

    def __repr__(self) -> str:
        return f"<World {self.topology.app}, seed {self.seed}, speed {self.speed:g}>"

    async def __aenter__(self) -> Self:
        take_descriptors()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End everything that was started, the last one first."""
        await self._stack.aclose()

    def awaited(self) -> list[str]:
        """What keeps it from being up, for a person who waits: machines by their checks."""
        fleet = getattr(self, "fleet", None)
        return self.startup.awaited(fleet.obstacles() if fleet else {})

    @property
    def links_by(self) -> str:
        """Who carries the links: `embedded`, or a stock `toxiproxy`."""
        return "toxiproxy" if self._stock else "embedded"

    @property
    def parts(self) -> str:
        """What this world is made of, for the line that names a run."""
        return f"{self.runtime} runtime, {self.links_by} links"

    @property
    def link_server_url(self) -> str:
        """The link server's API, which any Toxiproxy client can speak to."""
        return self._link_server.url

    def toxiproxy(self) -> AbstractContextManager[Any]:
        """A toxiproxy-python client bound to the world's links (extra `toxiproxy`)."""
        return bound_to(self.link_server_url)

    @property
    def url(self) -> str:
        """Where a client in any location finds the gateway, once the name is resolved."""
        return f"http://{self.topology.hostname}:{PUBLIC_PORT}/"

    def database_url(self) -> str | None:
        """How to reach the database directly, without any link."""
        database = self.services.database
        return database.url() if database else None

    # --- coming up ---------------------------------------------------------------------------

    async def _start(self) -> None:
        self.clock = Clock(self.speed, self.process_clock.calendar_speed(self.speed))
        self._lens = self.process_clock.lens(self.speed, self.clock.began_ns)
        clean_up_abandoned()
        folder = registry.make_folder(self.topology.app)
        self._stack.callback(registry.remove, folder)
        if self.keep_logs_in:
            self._stack.callback(registry.keep_logs, folder, self.keep_logs_in)
        token = registry.new_token()
        self.listener, self.plan = claim(self.topology, self._stack)
        self._build(folder, token)
        began = self.clock.real_ms()
        await self._reach_hosts()
        await self._timed("link server", self._link_server.start())
        with single_error():
            async with asyncio.TaskGroup() as branches:
                branches.create_task(self._timed("nameservers", self.resolver.start()))
                branches.create_task(self._timed("ingress", self.ingress.start()))
                branches.create_task(self._start_machines())
                if self.topology.gateway.force_https:  # every client of a load will ask for them
                    branches.create_task(self._timed("certificate", self.authority.prepare()))
        self.steering = Steering(self.fleet, self.health, self.resolver, self.ingress.pool)
        self.steering.start()
        self.entries.start(client_context_of(self), self.rng.fork("entries"))
        self.ingress.pool.start()
        self._keep_parts()
        self.record = WorldRecord(
            id=folder.name,
            pid=os.getpid(),
            pid_started=registry.start_time(os.getpid()) or 0,
            app=self.topology.app,
            topology=str(self.topology.path or ""),
            slot=self.plan.slot,
            dns_port=self.resolver.port,
            control_url=f"http://{self.plan.control}",
            token=token,
        )
        self.startup.took_ms["all"] = self.clock.real_ms() - began

    def _build(self, folder: Path, token: str) -> None:
        """Make every part; each is on the stack before it is started."""
        topology, plan, clock, push = (
            self.topology,
            self.plan,
            self.clock,
            self._stack.push_async_callback,
        )
        mark = {registry.ENVIRONMENT_KEY: folder.name}
        hidden = [token, *self._secrets.values()]
        hidden += [receiver.webhook for receiver in topology.alerts if receiver.webhook]
        path = self._journal_path or folder / "journal.jsonl"
        redact = redactor(hidden)
        self.journal = Journal(clock, path, redact)
        self._stack.callback(self.journal.close)
        alert_context = CommandContext(folder.name, topology.folder, folder / "alerts.log", redact)
        self.alarm = Alarm(topology, alert_context, clock, self.journal)
        push(self.alarm.close)
        self.journal.write(
            RunStarted(
                seed=self.seed,
                speed=self.speed,
                runtime=self.runtime,
                links=self.links_by,
                version=__version__,
                topology=topology.document,
                scenario=self._scenario,
                clock=self.process_clock.name,
                why_real=self.process_clock.why_real,
            )
        )
        host = HostWatch(clock, self.journal, self._main_processes)
        self._stack.callback(host.stop)
        self.upkeep = Upkeep(clock, self.journal, lambda: host.kept_ms)
        loop = asyncio.get_running_loop()
        self._stack.callback(loop.set_exception_handler, loop.get_exception_handler())
        loop.set_exception_handler(hearing_callbacks(self._driver_raised, self.upkeep.overhear))
        self._link_server = link_server.make(
            self._stock, plan.link_server, clock, self.rng.fork("links"), folder
        )
        push(self._link_server.stop)
        client = LinkServerClient(self.link_server_url)
        push(client.close)
        self.links = Links(client, clock, self.journal)
        push(self.links.close)
        self.resolver = Resolver(topology, plan, clock, self.journal)
        push(self.resolver.stop)
        logs = folder / "logs"
        logs.mkdir()
        secrets = AppSecrets(self._secrets, redact.hide)
        database = topology.database
        authorities = folder / trust.FILE if database and database.speaks_tls else None
        machine_context = MachineContext(
            folder.name, logs, secrets, self._told, self.nameservers, authorities
        )
        specs = SpecBuilder(topology, plan, self.rng, machine_context)
        self.machine_runtime = make_runtime(
            self.runtime,
            topology,
            plan,
            clock,
            folder,
            redact,
            ports=specs.ports,
            lens=self._lens,
        )
        push(self.machine_runtime.close)
        self.health = HealthChecker(
            clock, self.rng.fork("health"), self.journal, self.machine_runtime.probe
        )
        push(self.health.stop)
        self.services = Services(
            ServiceContext(
                topology,
                plan,
                clock,
                folder,
                mark,
                self.machine_runtime,
                specs.ports,
                authorities,
                self._lens,
                self.authority,
                self.journal,
                self.real_ms,
            )
        )
        redact.hide(self.services.secrets)
        push(self.services.stop)
        self.fleet = Fleet(topology, self.machine_runtime, specs, self.health, clock, self.journal)
        self.deploys = Deployer(topology, self.fleet, self.health, clock, self.journal)
        self.machine_runtime.oversee(Mishaps(self.fleet, self.journal))
        self.ingress = Ingress(
            topology,
            plan,
            MachinePool(topology, self.fleet, self.health, clock),
            self.links,
            clock,
            self.journal,
            authority=self.authority,
            real_ms=self.real_ms,
        )
        push(self.ingress.stop)
        push(self.entries.stop)
        push(self.fleet.close)
        push(self.ingress.pool.stop)
        host.start()

    async def _reach_hosts(self) -> None:
        """Find the hosts that machines run on, and what of each link's round trip is theirs."""
        for path in await self.machine_runtime.reach():
            self.journal.write(HostFound(**vars(path)))
            self.real_ms |= dict.fromkeys(path.regions, path.rtt_ms * self.speed)

    async def _start_machines(self) -> None:
        """The machines, once the services that they will ask for are there."""
        runtime = self.machine_runtime
        await self._timed("runtime", runtime.open())
        await self._name_machines()
        starting = self.services.start(self.links)
        links = await self._timed("services", starting)
        for region in self.topology.regions:
            self._told[region] = self.services.variables(region)
        async with asyncio.TaskGroup() as both:
            both.create_task(self.links.check_all(links))
            both.create_task(self._timed("machines", launch(self.fleet)))

    async def _name_machines(self) -> None:
        """The nameservers of machines."""
        runtime = self.machine_runtime
        self._names = InternalNames(
            self.topology, self.fleet, self.resolver, runtime.private_host, self.journal
        )
        self._stack.push_async_callback(self._names.stop)
        self.nameservers.update(await self._names.start(runtime.nameserver_host))

    async def _timed(self, name: str, starting: Awaitable[T]) -> T:
        return await self.startup.timed(name, starting, self.clock)

    # --- our own parts -----------------------------------------------------------------------

    def _driver_raised(self, error: Exception) -> None:
        """Take note of what a callback of a driver's raised, or a task begun before its `run`."""
        found = mistake_in_callback(error)
        self.journal.write(DriverRaised("", "", found.file, found.line, found.error))

    def _main_processes(self) -> dict[str, int]:
        return main_processes(self.fleet, self.services, self._link_server)

    def _keep_parts(self) -> None:
        TransportTimers(self.fleet.machines, self.links, self.clock, self.journal)
        self._stack.callback(self.alarm.silence)
        self._stack.push_async_callback(self.links.rest)
        self._stack.push_async_callback(self.upkeep.stop)
        names = self._names
        for part in kept_parts(self._link_server, self.links, self.resolver, names, self.services):
            self.upkeep.watch(part)
