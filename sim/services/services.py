"""All services of a world: started in their order, linked to every region, watched, ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sim.clock import Clock
from sim.lens.lens import Lens
from sim.machines.runtime import WorldRuntime
from sim.network.between import link_between
from sim.network.links import Link, Links
from sim.observe.events import RealTimeSeen
from sim.observe.journal import Journal
from sim.services.database import WorldDatabase
from sim.services.service import WorldService
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Topology
from sim.upkeep import Part

_ELSEWHERE_IN_TIME = (
    "is not of this world and keeps real time: its calendar and the machines' drift apart"
)


class Services:
    """The services of a world, by name. `mark` is put into the environment of what it runs."""

    def __init__(
        self,
        topology: Topology,
        plan: AddressPlan,
        folder: Path,
        clock: Clock,
        mark: Mapping[str, str],
        lens: Lens | None,
    ) -> None:
        self._topology = topology
        self._plan = plan
        self._lens = lens
        self._all: dict[str, WorldService] = {}
        self.database: WorldDatabase | None = None
        if asked := topology.database:
            self.database = WorldDatabase(asked, plan.database, folder, clock, mark, lens)
            self._all[asked.name] = self.database

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
        """Those that the world runs, for whoever watches that they do."""
        for name, service in self._all.items():
            if service.own:
                yield Part(name, service.ping, service.start)

    async def start(self, runtime: WorldRuntime, links: Links, journal: Journal) -> list[Link]:
        """Start them one after the other, and let every region reach each.

        Returns the links, which nobody has measured yet. Raises StartError, EnvironmentLacksError.
        """
        made: list[Link] = []
        for name, service in self._all.items():
            await service.start()
            if self._lens and not service.own:
                journal.write(RealTimeSeen(name, service.region, _ELSEWHERE_IN_TIME))
            made += await links.establish_all(
                link_between(
                    self._topology,
                    (region, name),
                    self._door(runtime, region, name),
                    service.endpoint,
                    service.probe,
                )
                for region in self._topology.regions
            )
        return made

    def variables(self, runtime: WorldRuntime, region: str) -> dict[str, str]:
        """What a region's machines are told of all services."""
        told: dict[str, str] = {}
        for name, service in self._all.items():
            told |= service.variables(self._door(runtime, region, name))
        return told

    def _door(self, runtime: WorldRuntime, region: str, name: str) -> Endpoint:
        return Endpoint(runtime.door(region), self._plan.service_port(name))

    async def stop(self) -> None:
        """End them, the last one first. Safe to call again."""
        for service in reversed(self._all.values()):
            await service.stop()
