"""What an engine tells is compared with what was asked: what nobody asked for is told as that.

Once the world ends, what is left of a machine is removed as soon as it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sim.docker.engine import APIError, Engine
from sim.docker.leftovers import drop_container, drop_network
from sim.errors import StartError
from sim.lens.lens import failed, uncovered
from sim.machines.docker import container_lens
from sim.machines.docker.container import DockerInstance
from sim.machines.docker.events import EngineEvent
from sim.machines.docker.machine_containers import Containers
from sim.machines.docker.region_networks import Networks
from sim.machines.runtime import Overseer


class Reconciler:
    """Takes in an engine's events. `lens`: machines see the world's time through one."""

    def __init__(
        self,
        engine: Engine,
        networks: Networks,
        containers: Containers,
        spawn: Callable[[Awaitable[None]], None],
        *,
        lens: bool,
    ) -> None:
        self.overseer: Overseer | None = None
        self.ending = False  # the world ends
        self._engine = engine
        self._networks = networks
        self._containers = containers
        self._spawn = spawn
        self._lens = lens
        self._going: set[str] = set()
        self._sweeps: list[asyncio.Task[None]] = []

    async def swept(self) -> None:
        """Wait until what has ended with the world is removed."""
        await asyncio.gather(*self._sweeps, return_exceptions=True)

    def take_in(self, event: EngineEvent) -> None:
        """One event of a container or a network."""
        if event.what == "network destroy":
            self._network_removed(event.network)
            return
        instance = self._containers.find(event.container)
        if instance is None:
            return
        match event.what:
            case "container die":
                self._spawn(self._died(instance, event.attributes))
            case "container start" if not instance.running:
                self._spawn(self._returned(instance))
            case "container oom":
                self._befell(instance, "ran out of memory: the kernel killed a process of it")
            case "container pause" | "container unpause":
                self._paused(instance, now=event.what == "container pause")
            # The end of a container takes it out of its network as well.
            case "network disconnect" | "network connect" if not instance.ending:
                self._spawn(self._connection_changed(instance))

    async def _died(self, instance: DockerInstance, told: Mapping[str, str]) -> None:
        """Take in how it ended: of one that was asked to, the event says all there is to know.

        While many end at once, each question to the engine costs a good part of a second.
        """
        self._containers.close_forwarder(instance.spec)
        code = told.get("exitCode", "137")  # removed by force: that is SIGKILL
        state: Mapping[str, Any] = {"ExitCode": code}
        if not instance.ending:
            with contextlib.suppress(APIError, StartError):
                state = (await self._engine.call("inspect_container", instance.container))["State"]
        if not self.ending:
            await self._take_notes(instance)
        await instance.ended(state)
        if self.ending:
            self._going.add(instance.container)
            self._sweeps.append(asyncio.create_task(self._sweep(instance)))

    async def _take_notes(self, instance: DockerInstance) -> None:
        """Tell what the lens noted of a machine, before anybody asks why it ended."""
        if not self._lens or not self.overseer:
            return
        told = await self._engine.run(container_lens.notes, self._engine.api, instance.container)
        for seen in uncovered(told):
            self.overseer.real_time(instance.spec, seen)
        if failed(told):
            reason = "its supervisor could not do its work, and the machine died with it"
            self.overseer.part_failed(f"lens of {instance.spec.region}", reason)

    async def _sweep(self, instance: DockerInstance) -> None:
        """Remove what is left of a machine; after its region's last one the network too."""
        region = instance.spec.region
        await self._take_notes(instance)
        await self._engine.run(drop_container, self._engine.api, instance.container)
        self._going.discard(instance.container)
        others = [other for other in self._containers.all if other.spec.region == region]
        last = not any(other.running or other.container in self._going for other in others)
        if last and (network := self._networks.ids.pop(region, None)):
            await self._engine.run(drop_network, self._engine.api, network)

    async def _returned(self, old: DockerInstance) -> None:
        """Somebody else has started a container that had ended: it is the machine's again."""
        instance = await self._containers.adopt(old)
        if self.overseer:
            await self.overseer.returned(old.spec.id, instance)

    def _paused(self, instance: DockerInstance, *, now: bool) -> None:
        if instance.paused_by_us == now:
            return
        instance.paused_by_us = now
        instance.paused(now=now)
        word = "paused" if now else "unpaused"
        self._befell(instance, f"{word} by somebody else", frozen=now)

    async def _connection_changed(self, instance: DockerInstance) -> None:
        """The end of a container disconnects it as well; only what still runs was cut off."""
        with contextlib.suppress(APIError, StartError):
            found = await self._engine.call("inspect_container", instance.container)
            if not found["State"]["Running"] or not instance.running:
                return
            cut_off = instance.place.network not in found["NetworkSettings"]["Networks"]
            if cut_off == instance.cut_off:
                return  # it is as was asked, or another network than its own is concerned
            instance.cut_off = cut_off
            what = "cut off from its network" if cut_off else "put back into its network"
            self._befell(instance, f"{what} by somebody else", cut_off=cut_off)

    def _network_removed(self, network: str) -> None:
        if region := self._networks.region_of(network):
            del self._networks.ids[region]
            if self.overseer:
                reason = "somebody else removed it from the engine"
                self.overseer.part_failed(f"network of {region}", reason)

    def _befell(self, instance: DockerInstance, what: str, **changed: bool) -> None:
        if self.overseer and instance.running:
            self.overseer.befell(instance.spec.id, what, **changed)
