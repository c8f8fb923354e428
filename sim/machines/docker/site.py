"""What a world has in one Docker engine: containers are started there, and what befell them told.

A start is a new container of the same image, as a Fly machine's start is a fresh root file system.
What the engine tells is compared with what was asked: what nobody asked for is journaled as that.

Without its own engine the simulator has failed, and waits for it. Another host that is gone is lost
with its machines: they are cut off from here, so that they are dead whatever still runs there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docker.errors import DockerException

from sim.clock import Clock
from sim.docker.engine import APIError, Engine, NotFound, said
from sim.docker.leftovers import drop_container, drop_network, remove_all
from sim.errors import SimError, StartError
from sim.lens.lens import Lens, failed, uncovered
from sim.machines.docker import lens as inner_lens
from sim.machines.docker.container import ContainerAddress, DockerInstance
from sim.machines.docker.container_maker import ContainerMaker
from sim.machines.docker.events import EngineEvent, Follower
from sim.machines.docker.logs import ContainerLog
from sim.machines.docker.networks import Networks
from sim.machines.docker.reach import Across, Beside
from sim.machines.ports import Ports
from sim.machines.runtime import MachineSpec, Overseer
from sim.secrets import NO_SECRETS, Redactor
from sim.streams.forwarder import TcpForwarder
from sim.topology.addresses import AddressPlan, Endpoint, container_host

_AT_ONCE = 4  # more starts at a time are no quicker
_LOOK_REAL_S = 0.2
_LIFE_REAL_S = 2.0
_ANSWER_REAL_S = 2.0
_MISSED_REAL_S = 2.0  # so long an engine may be away, as when it is started again at once
_SHUTDOWN_REAL_S = 20.0  # an engine that ends gives its containers 15 s to do so before it


@dataclass(frozen=True)
class SiteContext:
    """What sites are given of their world. `redact` is applied to each line that machines print.

    Through `lens` machines see the world's time.
    """

    plan: AddressPlan
    ports: Ports
    clock: Clock
    world: str
    redact: Redactor = NO_SECRETS
    lens: Lens | None = None


class Site:
    """The engine at `host`, or this host's own, with the machines of these regions."""

    def __init__(self, host: str | None, regions: Sequence[str], context: SiteContext) -> None:
        self.regions = tuple(regions)
        self.gone = False
        self.bringing = asyncio.Lock()  # one image at a time is copied there
        self.engine = Engine(host)
        self.reach: Beside | Across
        self.networks = Networks(self.engine, context.plan, context.world)
        self.reach = Across(context.ports) if host else Beside(self.networks, context.plan)
        self._elsewhere = host is not None
        self._lens, self._clock = context.lens, context.clock
        self._world, self._redact = context.world, context.redact
        self._maker = ContainerMaker(
            self.engine, self.networks, self.reach, context.world, context.lens
        )
        self._instances: dict[str, DockerInstance] = {}
        self._forwarders: dict[str, TcpForwarder] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._overseer: Overseer | None = None
        self._follower: Follower | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self._missed = False
        self._heard_s = 0.0  # when it was asked last, of the times that it answered; simulated
        self._going: set[str] = set()
        self._sweeps: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        running = sum(instance.running for instance in self._instances.values())
        return f"<Site {self.engine.where}, {running} containers>"

    def oversee(self, overseer: Overseer) -> None:
        """Tell this one from now on."""
        self._overseer = overseer

    async def open(self) -> None:
        """Make the networks, and follow what happens. Raises EnvironmentLacksError, StartError."""
        self._heard_s = self._clock.now()
        await self._follow()
        await self.networks.open(self.regions, join=not self._elsewhere)
        if self._elsewhere:
            self._spawn(self._listen_for_life())

    async def close(self) -> bool:
        """Remove every container and network of the world; whether that could be done."""
        await asyncio.gather(*self._sweeps, return_exceptions=True)
        if self._follower:
            self._follower.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for forwarder in self._forwarders.values():
            forwarder.close()
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

    def ending(self) -> None:
        """From now on a container is removed as soon as it has ended, and a network after its last.

        With twelve machines, waiting for all of them first takes a second more.
        """
        self._ending = True

    async def start(self, spec: MachineSpec) -> DockerInstance:
        """Run the image. Raises StartError, with what the engine said, where it cannot."""
        if self.gone:
            raise StartError(f"the Docker engine at {self.engine.where} is gone")
        async with self._turns:
            try:
                return await self._start(spec)
            except APIError as error:
                raise StartError(self._explain(error, spec)) from error

    async def _start(self, spec: MachineSpec) -> DockerInstance:
        name = self._container_name(spec)
        with contextlib.suppress(NotFound):
            await self.engine.call("remove_container", name, force=True, v=True)
        container = await self.engine.run(self._maker.make, name, spec)
        log = ContainerLog(self.engine, spec.log_path, self._redact)
        place = ContainerAddress(
            container, self.networks.name(spec.region), container_host(spec.endpoint.host)
        )
        instance = DockerInstance(self.engine, place, spec, self._clock, log, self._lens)
        self._instances[container] = instance
        try:
            await self.engine.call("start", container)
            await instance.started()
            await self._open_forwarder(spec)
        except BaseException:
            del self._instances[container]
            log.drop()
            raise
        log.follow(container)
        return instance

    def _container_name(self, spec: MachineSpec) -> str:
        return f"sim-{self._world}-{spec.log_path.stem}"

    async def _open_forwarder(self, spec: MachineSpec) -> None:
        if there := self.reach.beyond(spec):
            forwarder = self._forwarders[spec.id] = TcpForwarder(spec.endpoint, there)
            try:
                await forwarder.open()
            except OSError as error:
                raise StartError(f"{spec.endpoint}: {error.strerror}") from error

    def _close_forwarder(self, spec: MachineSpec) -> None:
        if forwarder := self._forwarders.pop(spec.id, None):
            forwarder.close()

    # --- what the engine tells ---------------------------------------------------------------

    async def _follow(self) -> None:
        self._follower = Follower(self.engine, self._tell, self._lost)
        await self._follower.start()

    def _tell(self, event: EngineEvent) -> None:
        if event.what == "network destroy":
            self._network_removed(event.network)
            return
        instance = self._instances.get(event.container)
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
        self._close_forwarder(instance.spec)
        code = told.get("exitCode", "137")  # removed by force: that is SIGKILL
        state: dict[str, Any] = {"ExitCode": code}
        if not instance.ending:
            with contextlib.suppress(APIError, StartError):
                state = (await self.engine.call("inspect_container", instance.container))["State"]
        if not self._ending:
            await self._take_notes(instance)
        await instance.ended(state)
        if self._ending:
            self._going.add(instance.container)
            self._sweeps.append(asyncio.create_task(self._sweep(instance)))

    async def _take_notes(self, instance: DockerInstance) -> None:
        """Tell what the lens noted of a machine, before anybody asks why it ended."""
        if not self._lens or not self._overseer:
            return
        told = await self.engine.run(inner_lens.notes, self.engine.api, instance.container)
        for seen in uncovered(told):
            self._overseer.real_time(instance.spec, seen)
        if failed(told):
            reason = "its supervisor could not do its work, and the machine died with it"
            self._failed(f"lens of {instance.spec.region}", reason)

    async def _sweep(self, instance: DockerInstance) -> None:
        """Remove what is left of a machine; after its region's last one the network too."""
        region = instance.spec.region
        await self._take_notes(instance)
        await self.engine.run(drop_container, self.engine.api, instance.container)
        self._going.discard(instance.container)
        others = [other for other in self._instances.values() if other.spec.region == region]
        last = not any(other.running or other.container in self._going for other in others)
        if last and (network := self.networks.ids.pop(region, None)):
            await self.engine.run(drop_network, self.engine.api, network)

    async def _returned(self, old: DockerInstance) -> None:
        """Somebody else has started a container that had ended: it is the machine's again."""
        log = ContainerLog(self.engine, old.spec.log_path, self._redact)
        instance = DockerInstance(self.engine, old.place, old.spec, self._clock, log, self._lens)
        self._instances[old.container] = instance
        await instance.started()
        log.follow(old.container)
        await self._open_forwarder(old.spec)
        if self._overseer:
            await self._overseer.returned(old.spec.id, instance)

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
            found = await self.engine.call("inspect_container", instance.container)
            if not found["State"]["Running"] or not instance.running:
                return
            cut_off = instance.place.network not in found["NetworkSettings"]["Networks"]
            if cut_off == instance.cut_off:
                return  # it is as was asked, or another network than its own is concerned
            instance.cut_off = cut_off
            what = "cut off from its network" if cut_off else "put back into its network"
            self._befell(instance, f"{what} by somebody else", cut_off=cut_off)

    def _network_removed(self, network: str) -> None:
        if region := self.networks.region_of(network):
            del self.networks.ids[region]
            self._failed(f"network of {region}", "somebody else removed it from the engine")

    # --- an engine that goes away ------------------------------------------------------------

    def _lost(self) -> None:
        if self._missed:
            return
        self._missed = True
        if not self._elsewhere:
            self._failed("docker engine", "it ended, or cut the connection")
        self._spawn(self._find_again())

    async def _listen_for_life(self) -> None:
        """Ask another host's engine all the time: one that is cut off ends no connection."""
        while True:
            await self._clock.sleep(_LIFE_REAL_S * self._clock.speed)
            if not self._missed and not await self._answers():
                self._lost()

    async def _answers(self) -> bool:
        asked_s = self._clock.now()
        try:
            async with self._clock.timeout(_ANSWER_REAL_S * self._clock.speed):
                await self.engine.call("ping")
        except (TimeoutError, SimError, DockerException):
            return False
        self._heard_s = asked_s
        return True

    async def _find_again(self) -> None:
        """Wait for the engine, and take in what happened to the machines meanwhile."""
        since_ms, heard_s = self._clock.real_ms(), self._heard_s
        while not await self._followed_again():
            away_s = (self._clock.real_ms() - since_ms) / 1000
            if self._elsewhere and not self.gone and away_s > _MISSED_REAL_S:
                self.gone = True
                lost = [i for i in self._instances.values() if i.lately(_SHUTDOWN_REAL_S)]
                await self._lose(lost, "its Docker engine does not answer", heard_s)
            look_s = _LIFE_REAL_S if self.gone else _LOOK_REAL_S
            await self._clock.sleep(look_s * self._clock.speed)
        if self._elsewhere:
            await self._look_back(heard_s)
        else:
            await self._take_in()
        self.gone = self._missed = False

    async def _followed_again(self) -> bool:
        if not await self._answers():
            return False
        if self._follower:
            self._follower.stop()
        with contextlib.suppress(SimError, DockerException):
            await self._follow()
            return True
        return False

    async def _take_in(self) -> None:
        for instance in [i for i in self._instances.values() if i.running]:
            state = await self._state(instance)
            if not state["Running"]:
                await instance.ended(state)

    async def _look_back(self, heard_s: float) -> None:
        """What its engine took along is lost; what was given up has to go, if it still runs."""
        lost = [
            instance
            for instance in self._instances.values()
            if instance.lately(_SHUTDOWN_REAL_S) and not (await self._state(instance))["Running"]
        ]
        if lost:
            await self._lose(lost, "its Docker engine ended, and was started again", heard_s)
        for instance in [i for i in self._instances.values() if not i.running]:
            await self.engine.run(drop_container, self.engine.api, instance.container)

    async def _state(self, instance: DockerInstance) -> Mapping[str, Any]:
        try:
            found = await self.engine.call("inspect_container", instance.container)
        except (APIError, StartError):
            return {"Running": False, "ExitCode": 137}
        state: Mapping[str, Any] = found["State"]
        return state

    async def _lose(self, lost: Sequence[DockerInstance], reason: str, heard_s: float) -> None:
        """Cut them off, and tell that they are gone; what is no machine has just ended."""
        for instance in lost:
            instance.lost()
            self._close_forwarder(instance.spec)
        if self.gone:
            self.engine.give_up()
        if self._overseer:
            ids = [instance.spec.id for instance in lost]
            unheard_s = self._clock.now() - heard_s
            await self._overseer.host_lost(self.engine.where, ids, reason, unheard_s)
        for instance in lost:
            await instance.kill()

    def _befell(self, instance: DockerInstance, what: str, **changed: bool) -> None:
        if self._overseer and instance.running:
            self._overseer.befell(instance.spec.id, what, **changed)

    def _failed(self, part: str, reason: str) -> None:
        if self._overseer:
            self._overseer.part_failed(part, reason)

    def _explain(self, error: APIError, spec: MachineSpec) -> str:
        text = f"{self.engine.where}: {said(error)}"
        taken = "port is already allocated" in text or "address already in use" in text
        if taken and (at := self.reach.published(spec)):
            return f"{Endpoint(*at)} is taken by another program or container: {text}"
        if "network" in text and "not found" in text:
            return f"the network of {spec.region} was removed from the engine: {text}"
        return text

    def _spawn(self, doing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
