"""The machines of one engine as its containers: started there, and known by the container's id.

A start is a new container of the same image, as a Fly machine's start is a fresh root file system.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from sim.docker.engine import APIError, Engine, NotFound, said
from sim.errors import StartError
from sim.machines.docker.container import ContainerAddress, DockerInstance
from sim.machines.docker.container_log import ContainerLog
from sim.machines.docker.container_maker import ContainerMaker
from sim.machines.docker.reach import Reach
from sim.machines.docker.region_networks import Networks
from sim.machines.docker.site_context import SiteContext
from sim.machines.runtime import MachineSpec
from sim.streams.forwarder import TcpForwarder
from sim.topology.addresses import Endpoint, container_host

_AT_ONCE = 4  # more starts at a time are no quicker


class Containers:
    """The last run in each container, and what carries connections on to it."""

    def __init__(
        self, engine: Engine, networks: Networks, reach: Reach, context: SiteContext
    ) -> None:
        self._engine = engine
        self._networks = networks
        self._reach = reach
        self._context = context
        self._maker = ContainerMaker(engine, networks, reach, context.world, context.lens)
        self._instances: dict[str, DockerInstance] = {}
        self._forwarders: dict[str, TcpForwarder] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def all(self) -> Sequence[DockerInstance]:
        """Those that run and those that have ended, the first one first."""
        return tuple(self._instances.values())

    def find(self, container: str) -> DockerInstance | None:
        """The last run in the container of that id; None where it is no machine's."""
        return self._instances.get(container)

    async def start(self, spec: MachineSpec) -> DockerInstance:
        """Run the image. Raises StartError, with what the engine said, where it cannot."""
        async with self._turns:
            try:
                return await self._start(spec)
            except APIError as error:
                raise StartError(self._explain(error, spec)) from error

    async def _start(self, spec: MachineSpec) -> DockerInstance:
        name = f"sim-{self._context.world}-{spec.log_path.stem}"
        with contextlib.suppress(NotFound):
            await self._engine.call("remove_container", name, force=True, v=True)
        container = await self._engine.run(self._maker.make, name, spec)
        place = ContainerAddress(
            container, self._networks.name(spec.region), container_host(spec.endpoint.host)
        )
        log, instance = self._run_in(place, spec)
        try:
            await self._engine.call("start", container)
            await instance.started()
            await self._open_forwarder(spec)
        except BaseException:
            del self._instances[container]
            log.drop()
            raise
        log.follow(container)
        return instance

    async def adopt(self, old: DockerInstance) -> DockerInstance:
        """The new run in the container of an old one, which somebody else has started."""
        log, instance = self._run_in(old.place, old.spec)
        await instance.started()
        log.follow(old.container)
        await self._open_forwarder(old.spec)
        return instance

    def _run_in(
        self, place: ContainerAddress, spec: MachineSpec
    ) -> tuple[ContainerLog, DockerInstance]:
        clock, lens = self._context.clock, self._context.lens
        log = ContainerLog(self._engine, spec.log_path, self._context.redact)
        instance = DockerInstance(self._engine, place, spec, clock, log, lens)
        self._instances[place.container] = instance
        return log, instance

    async def state(self, instance: DockerInstance) -> Mapping[str, Any]:
        """What the engine says of it; one that cannot be asked for has been killed."""
        try:
            found = await self._engine.call("inspect_container", instance.container)
        except (APIError, StartError):
            return {"Running": False, "ExitCode": 137}
        state: Mapping[str, Any] = found["State"]
        return state

    async def _open_forwarder(self, spec: MachineSpec) -> None:
        if there := self._reach.beyond(spec):
            forwarder = self._forwarders[spec.id] = TcpForwarder(spec.endpoint, there)
            try:
                await forwarder.open()
            except OSError as error:
                raise StartError(f"{spec.endpoint}: {error.strerror}") from error

    def close_forwarder(self, spec: MachineSpec) -> None:
        """Refuse what connects to a machine that has ended."""
        if forwarder := self._forwarders.pop(spec.id, None):
            forwarder.close()

    def close(self) -> None:
        """Refuse what connects to any."""
        for forwarder in self._forwarders.values():
            forwarder.close()

    def _explain(self, error: APIError, spec: MachineSpec) -> str:
        text = f"{self._engine.where}: {said(error)}"
        taken = "port is already allocated" in text or "address already in use" in text
        if taken and (at := self._reach.published(spec)):
            return f"{Endpoint(*at)} is taken by another program or container: {text}"
        if "network" in text and "not found" in text:
            return f"the network of {spec.region} was removed from the engine: {text}"
        return text
