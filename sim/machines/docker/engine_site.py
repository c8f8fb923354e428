"""What a world has in one Docker engine, opened, closed and removed as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from sim.docker.engine import Engine
from sim.docker.leftovers import remove_all
from sim.errors import SimError, StartError
from sim.machines.docker.container import DockerInstance
from sim.machines.docker.engine_watch import EngineWatch
from sim.machines.docker.machine_containers import Containers
from sim.machines.docker.reach import Across, Beside
from sim.machines.docker.reconciler import Reconciler
from sim.machines.docker.region_networks import Networks
from sim.machines.docker.site_context import SiteContext
from sim.machines.runtime import MachineSpec, Overseer


class Site:
    """The engine at `host`, or this host's own, with the machines of these regions."""

    def __init__(self, host: str | None, regions: Sequence[str], context: SiteContext) -> None:
        self.regions = tuple(regions)
        self.bringing = asyncio.Lock()  # one image at a time is copied there
        self.engine = Engine(host)
        self.networks = Networks(self.engine, context.plan, context.world)
        self.reach: Beside | Across = (
            Across(context.ports) if host else Beside(self.networks, context.plan)
        )
        self._world = context.world
        self._is_own = host is None
        self._tasks: set[asyncio.Task[None]] = set()
        self._containers = Containers(self.engine, self.networks, self.reach, context)
        self._reconciler = Reconciler(
            self.engine, self.networks, self._containers, self._spawn, lens=bool(context.lens)
        )
        self._watch = EngineWatch(
            self.engine,
            self._containers,
            context.clock,
            self._spawn,
            self._reconciler.take_in,
            is_own=self._is_own,
        )

    def __repr__(self) -> str:
        running = sum(instance.running for instance in self._containers.all)
        return f"<Site {self.engine.where}, {running} containers>"

    @property
    def gone(self) -> bool:
        """Whether its host was given up, and has not come back."""
        return self._watch.gone

    def oversee(self, overseer: Overseer) -> None:
        """Tell this one from now on."""
        self._reconciler.overseer = self._watch.overseer = overseer

    async def open(self) -> None:
        """Make the networks, and follow what happens. Raises EnvironmentLacksError, StartError."""
        await self._watch.start()
        await self.networks.open(self.regions, join=self._is_own)
        self._watch.listen()

    async def start(self, spec: MachineSpec) -> DockerInstance:
        """Run the image. Raises StartError, with what the engine said, where it cannot."""
        if self.gone:
            raise StartError(f"the Docker engine at {self.engine.where} is gone")
        return await self._containers.start(spec)

    def ending(self) -> None:
        """From now on a container is removed as soon as it has ended, and a network after its last.

        With twelve machines, waiting for all of them first takes a second more.
        """
        self._reconciler.ending = True

    async def close(self) -> bool:
        """Remove every container and network of the world; whether that could be done."""
        await self._reconciler.swept()
        self._watch.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._containers.close()
        try:
            return self.engine.api is None or (not self.gone and await self._remove_all())
        finally:
            await self.engine.close()

    async def _remove_all(self) -> bool:
        await self.engine.settle()
        try:
            await self.engine.run(remove_all, self._world, self.engine.api)
        except SimError:  # the engine is gone
            return False
        return True

    def _spawn(self, doing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
