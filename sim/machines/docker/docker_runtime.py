"""The docker runtime: machines are containers, in this host's engine or in that of another host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sim.clock import Clock
from sim.docker.engine import APIError, said
from sim.errors import EnvironmentLacksError, StartError
from sim.machines.docker import machine_images, way
from sim.machines.docker.container import DockerInstance
from sim.machines.docker.container_probe import probe
from sim.machines.docker.engine_site import Site
from sim.machines.docker.reach import Across
from sim.machines.docker.site_context import SiteContext
from sim.machines.health import Result
from sim.machines.runtime import MachineSpec, Overseer, RealPath
from sim.topology.addresses import Endpoint, container_host, private_address
from sim.topology.model import Check, Topology


class DockerRuntime:
    """Runs machines as containers, each in the engine of its region.

    `owe` is told the address of an engine from which the world's things could not be removed.
    """

    name = "docker"

    def __init__(
        self, topology: Topology, context: SiteContext, owe: Callable[[str], None]
    ) -> None:
        self._topology = topology
        self._clock = context.clock
        self._owe = owe
        regions: dict[str | None, list[str]] = {None: []}
        for region in topology.regions:
            regions.setdefault(topology.hosts.get(region), []).append(region)
        self._sites = {host: Site(host, names, context) for host, names in regions.items()}
        self._home = self._sites[None]
        self._ways: dict[str, way.Way] = {}

    def __repr__(self) -> str:
        return f"<DockerRuntime {', '.join(map(repr, self._sites.values()))}>"

    async def reach(self) -> Sequence[RealPath]:
        """The hosts that the topology names. Raises EnvironmentLacksError, with the remedy."""
        others = [(host, site) for host, site in self._sites.items() if host]
        if not others:
            return ()
        if await self._simulator_is_inside():
            raise EnvironmentLacksError(
                "machines of other hosts do not reach a simulator that is a container itself",
                "run `sim` on the host, or remove `hosts` from the topology",
            )
        return await asyncio.gather(*(self._reach(host, site) for host, site in others))

    async def _simulator_is_inside(self) -> bool:
        await self._home.engine.open()
        return await self._home.engine.own_container() is not None

    async def _reach(self, host: str, site: Site) -> RealPath:
        found = self._ways[host] = await way.found(host)
        assert isinstance(site.reach, Across)  # noqa: S101 - as of every site that has a host
        site.reach.way = found
        await site.engine.open()
        ahead_ms, within_ms = await way.clock_ahead_ms(site.engine, self._clock)
        return RealPath(
            host, site.regions, round(found.rtt_ms, 3), round(ahead_ms, 1), round(within_ms, 1)
        )

    async def open(self) -> None:
        """Find the engine and the image, make the networks, and follow what happens.

        Raises EnvironmentLacksError, InputError or StartError, with the remedy.
        """
        if self._home.engine.api is None:
            await self._home.engine.open()
        await machine_images.provide(self._home.engine, self._topology)
        await asyncio.gather(*(self._open(site) for site in self._sites.values()))

    async def _open(self, site: Site) -> None:
        await self._bring(self._topology.image, site)
        await site.open()

    async def close(self) -> None:
        """Remove every container and network of the world."""
        done = await asyncio.gather(*(site.close() for site in self._sites.values()))
        for site, removed in zip(self._sites.values(), done, strict=True):
            if not removed:
                self._owe(site.engine.where)

    def ending(self) -> None:
        """The world ends: what is left of a machine goes with it."""
        for site in self._sites.values():
            site.ending()

    def oversee(self, overseer: Overseer) -> None:
        """Tell this one from now on."""
        for site in self._sites.values():
            site.oversee(overseer)

    async def start(self, spec: MachineSpec) -> DockerInstance:
        """Run the image. Raises StartError, with what the engine said, where it cannot."""
        site = self._site(spec.region)
        if spec.image:
            await self._bring(spec.image, site)
        return await site.start(spec)

    async def _bring(self, image: str, site: Site) -> None:
        """Have an image where it will run. Raises StartError."""
        if site is self._home or site.gone:
            return
        async with site.bringing:
            try:
                await machine_images.bring(self._home.engine, site.engine, image)
            except APIError as error:
                where = site.engine.where
                raise StartError(f"{image} cannot be copied to {where}: {said(error)}") from error

    async def probe(self, check: Check, endpoint: Endpoint, clock: Clock) -> Result:
        """As a process is checked; a port that is only published proves nothing."""
        return await probe(check, endpoint, clock, self._farthest_s)

    @property
    def _farthest_s(self) -> float:
        return max((found.rtt_ms for found in self._ways.values()), default=0.0) / 1000

    async def has_image(self, image: str) -> bool:
        """Whether this host's engine has it: nothing is pulled."""
        return await machine_images.has(self._home.engine, image)

    def port_inside(self, spec: MachineSpec) -> int:
        """The topology's, which is published at the endpoint's or carried on to from there."""
        return spec.port

    def private_host(self, spec: MachineSpec) -> str:
        """The container's address in its region's network, as IPv6."""
        return private_address(container_host(spec.endpoint.host))

    def nameserver_host(self, region: str) -> str:
        """This host as a region's containers see it; known from `open` on."""
        return self._site(region).reach.own_host(region)

    def door(self, region: str, port: int) -> Endpoint:
        """This host as a region's containers see it; known from `open` on."""
        return self._site(region).reach.door(region, port)

    def _site(self, region: str) -> Site:
        return self._sites[self._topology.hosts.get(region)]
