"""All services of a world: started in their order, linked to every region, watched, ended."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sim import trust
from sim.authority import CertificateAuthority
from sim.clock import Clock
from sim.lens.lens import Lens
from sim.machines.ports import Ports
from sim.machines.runtime import WorldRuntime
from sim.network.between import link_between
from sim.network.links import Link, Links
from sim.observe.events import RealTimeSeen
from sim.observe.journal import Journal
from sim.services.database import WorldDatabase
from sim.services.program import Hosting, ServiceProgram
from sim.services.service import WorldService
from sim.services.tls_front import TlsFront
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import DATABASE, Database, Program, Topology
from sim.upkeep import Part

_ELSEWHERE_IN_TIME = (
    "is not of this world and keeps real time: its calendar and the machines' drift apart"
)


@dataclass(frozen=True)
class ServiceContext:
    """What services are given of their world. `mark` goes into the environment of what they run.

    `real_ms` is what the way from here to what a region runs takes, where that is elsewhere.
    """

    topology: Topology
    plan: AddressPlan
    clock: Clock
    folder: Path
    mark: Mapping[str, str]
    runtime: WorldRuntime
    ports: Ports
    authorities: Path | None
    lens: Lens | None
    authority: CertificateAuthority
    journal: Journal
    real_ms: Mapping[str, float]


class Services:
    """The services of a world, by name."""

    def __init__(self, context: ServiceContext) -> None:
        self._around = context
        self._all: dict[str, WorldService] = {}
        self.database: WorldDatabase | None = None
        for name, asked in context.topology.services.items():
            match asked:
                case Database():
                    self._all[name] = self.database = self._made_database(asked)
                case Program():
                    self._all[name] = ServiceProgram(asked, self._hosting(asked))

    def _made_database(self, asked: Database) -> WorldDatabase:
        context, inside = self._around, self._around.plan.database
        front = None
        if asked.speaks_tls:
            front = TlsFront(
                context.plan.database_front, inside, self._vouched_for_database, context.journal
            )
        made = context.folder, context.clock, context.mark, context.lens
        return WorldDatabase(asked, inside, *made, front=front)

    async def _vouched_for_database(self) -> ssl.SSLContext:
        """By every address at which machines reach it, which have the authority as a file."""
        context = self._around
        credentials = await context.authority.credentials()
        trust.bundle(context.folder, credentials.certificate, os.environ)
        doors = {self._door(region, DATABASE).host for region in context.topology.regions}
        return await context.authority.vouch_for(context.plan.database_front.host, *sorted(doors))

    def _hosting(self, asked: Program) -> Hosting:
        context, host = self._around, self._around.plan.program(asked.name)
        log = f"{asked.region}-{asked.name.replace('-', '_')}.log"  # as machines' are called
        return Hosting(
            context.runtime,
            context.clock,
            Endpoint(host, context.ports.take(host)),
            context.folder / "services" / asked.name,
            context.topology.folder,
            context.folder / "logs" / log,
            lambda: {**context.mark, **self._known(asked.region, until=asked.name)},
            context.authorities,
        )

    def __repr__(self) -> str:
        return f"<Services {', '.join(self._all) or 'none'}>"

    def __getitem__(self, name: str) -> WorldService:
        return self._all[name]

    @property
    def secrets(self) -> list[str]:
        """What must not be printed."""
        return [secret for service in self._all.values() for secret in service.secrets]

    @property
    def pids(self) -> dict[str, int]:
        """The main process of each that is one of this host's, by the service's name."""
        return {name: pid for name, service in self._all.items() if (pid := service.pid)}

    def parts(self) -> Iterator[Part]:
        """The services that the world runs, as parts that can be watched."""
        for name, service in self._all.items():
            if service.own:
                yield Part(name, service.ping, service.start)

    def told(self) -> list[dict[str, object]]:
        """Each service as a row of listings."""
        return [
            {
                "service": name,
                "region": service.region,
                "state": ("started" if service.running else "failed")
                if service.own
                else "elsewhere",
                "address": str(service.endpoint),
            }
            for name, service in self._all.items()
        ]

    async def start(self, links: Links) -> list[Link]:
        """Start them one after the other, and let every region reach each.

        Returns the links, which nobody has measured yet. Raises StartError, EnvironmentLacksError.
        """
        made: list[Link] = []
        for name, service in self._all.items():
            await service.start()
            if self._around.lens and not service.own:
                self._around.journal.write(RealTimeSeen(name, service.region, _ELSEWHERE_IN_TIME))
            made += await links.establish_all(
                link_between(
                    self._around.topology,
                    (region, name),
                    self._door(region, name),
                    service.endpoint,
                    service.probe,
                    real_ms=self._real_ms(region, name),
                )
                for region in self._around.topology.regions
            )
        return made

    def variables(self, region: str) -> dict[str, str]:
        """What a region's machines are told of all services."""
        return self._told(region, self._details(region), list(self._all))

    def _known(self, region: str, *, until: str) -> dict[str, str]:
        """What a service in that region is told of those before it."""
        details, names = self._details(region), list(self._all)
        return details | self._told(region, details, names[: names.index(until)])

    def _told(self, region: str, details: Mapping[str, str], names: list[str]) -> dict[str, str]:
        told: dict[str, str] = {}
        for name in names:
            told |= self._all[name].variables(self._door(region, name), details)
        return told

    def _details(self, region: str) -> dict[str, str]:
        if self.database is None:
            return {}
        return self.database.details(self._door(region, self.database.name))

    def _door(self, region: str, name: str) -> Endpoint:
        context = self._around
        return context.runtime.door(region, context.plan.service_port(name))

    def _real_ms(self, region: str, name: str) -> float:
        """What the real ways take from a region's machines to here, and on to a service."""
        context = self._around
        runs_there = isinstance(context.topology.services[name], Program)
        ends = (region, context.topology.services[name].region) if runs_there else (region,)
        return sum(context.real_ms.get(end, 0.0) for end in ends)

    async def stop(self) -> None:
        """End them, the last one first. Safe to call again."""
        for service in reversed(self._all.values()):
            await service.stop()
