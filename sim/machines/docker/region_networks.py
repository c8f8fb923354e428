"""A world's Docker networks in one engine: one for each region whose machines run there.

Where the simulator is a container of that engine itself, it joins the networks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from sim.docker import networks
from sim.docker.engine import APIError, Engine, said
from sim.errors import StartError
from sim.topology.addresses import AddressPlan


class Networks:
    """The networks of a world's regions in an engine."""

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

    def region_of(self, network: str) -> str | None:
        """The region of a network's id."""
        return next((region for region, known in self.ids.items() if known == network), None)

    async def open(self, regions: Iterable[str], *, join: bool) -> None:
        """Make them all, and `join` them if this program is one of the engine's containers.

        Raises EnvironmentLacksError where their addresses are taken.
        """
        self._own = await self._engine.own_container() if join else None
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
