"""A world's Docker networks, one for each region, and how this host is reached from inside.

A container has a loopback of its own, so the links to services listen where containers reach them:
at this host's address in the region's network. Where the simulator is a container itself, it joins
the networks, and reaches the machines there instead of at published ports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sim.docker import networks
from sim.docker.engine import APIError, Engine, said
from sim.errors import StartError
from sim.topology.addresses import AddressPlan


class Networks:
    """The networks of a world's regions."""

    def __init__(self, engine: Engine, plan: AddressPlan, world: str) -> None:
        self._engine = engine
        self._plan = plan
        self._world = world
        self.ids: dict[str, str] = {}
        self._own: str | None = None

    @property
    def inside(self) -> bool:
        """Whether this program is in a container of the engine; known from `open` on."""
        return self._own is not None

    def name(self, region: str) -> str:
        """What a region's network is called."""
        return f"sim-{self._world}-{region}"

    def door(self, region: str) -> str:
        """Where a region's containers reach its links to services; known from `open` on."""
        network = self._plan.container_network(region)
        return str(network[2 if self.inside else 1])

    def region_of(self, network: str) -> str | None:
        """The region of a network's id."""
        return next((region for region, known in self.ids.items() if known == network), None)

    async def open(self, regions: Mapping[str, object]) -> None:
        """Make them all. Raises EnvironmentLacksError where their addresses are taken."""
        self._own = await self._engine.own_container()
        await asyncio.gather(*map(self._make, regions))

    async def _make(self, region: str) -> None:
        subnet = self._plan.container_network(region)
        made = await networks.make(self._engine, self._world, region, subnet)
        self.ids[region] = made
        if self._own:
            try:
                await self._engine.call(
                    "connect_container_to_network", self._own, made, ipv4_address=str(subnet[2])
                )
            except APIError as error:
                raise StartError(f"cannot join the network of {region}: {said(error)}") from error
