"""An engine that goes away: how that is noticed, what is lost with it, and how it is found again.

Without its own engine the simulator has failed, and waits for it. Another host that is gone is lost
with its machines: they are cut off from here, so that they are dead whatever still runs there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from docker.errors import DockerException

from sim.clock import Clock
from sim.docker.engine import Engine
from sim.docker.leftovers import drop_container
from sim.errors import SimError
from sim.machines.docker.container import DockerInstance
from sim.machines.docker.events import EngineEvent, Follower
from sim.machines.docker.machine_containers import Containers
from sim.machines.runtime import Overseer

_LOOK_REAL_S = 0.2
_LIFE_REAL_S = 2.0
_ANSWER_REAL_S = 2.0
_MISSED_REAL_S = 2.0  # so long an engine may be away, as when it is started again at once
_SHUTDOWN_REAL_S = 20.0  # an engine that ends gives its containers 15 s to do so before it


class EngineWatch:
    """Follows an engine's events, which `take_in` is told, for as long as there is an engine."""

    def __init__(
        self,
        engine: Engine,
        containers: Containers,
        clock: Clock,
        spawn: Callable[[Awaitable[None]], None],
        take_in: Callable[[EngineEvent], None],
        *,
        is_own: bool,
    ) -> None:
        self.overseer: Overseer | None = None
        self.gone = False  # given up, with the machines there
        self._engine = engine
        self._containers = containers
        self._clock = clock
        self._spawn = spawn
        self._take_in = take_in
        self._is_own = is_own
        self._follower: Follower | None = None
        self._missed = False
        self._heard_s = 0.0  # when it was asked last, of the times that it answered; simulated

    async def start(self) -> None:
        """Follow what happens there. Raises StartError."""
        self._heard_s = self._clock.now()
        await self._follow()

    def listen(self) -> None:
        """Ask another host's engine all the time: one that is cut off ends no connection."""
        if not self._is_own:
            self._spawn(self._listen_for_life())

    def stop(self) -> None:
        """Follow nothing any more. Safe to call again, or before `start`."""
        if self._follower:
            self._follower.stop()

    async def _follow(self) -> None:
        self._follower = Follower(self._engine, self._take_in, self._lost)
        await self._follower.start()

    def _lost(self) -> None:
        if self._missed:
            return
        self._missed = True
        if self._is_own and self.overseer:
            self.overseer.part_failed("docker engine", "it ended, or cut the connection")
        self._spawn(self._find_again())

    async def _listen_for_life(self) -> None:
        while True:
            await self._clock.sleep(_LIFE_REAL_S * self._clock.speed)
            if not self._missed and not await self._answers():
                self._lost()

    async def _answers(self) -> bool:
        asked_s = self._clock.now()
        try:
            async with self._clock.timeout(_ANSWER_REAL_S * self._clock.speed):
                await self._engine.call("ping")
        except (TimeoutError, SimError, DockerException):
            return False
        self._heard_s = asked_s
        return True

    async def _find_again(self) -> None:
        """Wait for the engine, and take in what happened to the machines meanwhile."""
        since_ms, heard_s = self._clock.real_ms(), self._heard_s
        while not await self._followed_again():
            away_s = (self._clock.real_ms() - since_ms) / 1000
            if not self._is_own and not self.gone and away_s > _MISSED_REAL_S:
                self.gone = True
                lost = [i for i in self._containers.all if i.lately(_SHUTDOWN_REAL_S)]
                await self._lose(lost, "its Docker engine does not answer", heard_s)
            look_s = _LIFE_REAL_S if self.gone else _LOOK_REAL_S
            await self._clock.sleep(look_s * self._clock.speed)
        if self._is_own:
            await self._catch_up()
        else:
            await self._look_back(heard_s)
        self.gone = self._missed = False

    async def _followed_again(self) -> bool:
        if not await self._answers():
            return False
        self.stop()
        with contextlib.suppress(SimError, DockerException):
            await self._follow()
            return True
        return False

    async def _catch_up(self) -> None:
        """Of this host's own engine the machines may have gone on, or ended meanwhile."""
        for instance in [i for i in self._containers.all if i.running]:
            state = await self._containers.state(instance)
            if not state["Running"]:
                await instance.ended(state)

    async def _look_back(self, heard_s: float) -> None:
        """What its engine took along is lost; what was given up has to go, if it still runs."""
        lost = [
            instance
            for instance in self._containers.all
            if instance.lately(_SHUTDOWN_REAL_S)
            and not (await self._containers.state(instance))["Running"]
        ]
        if lost:
            await self._lose(lost, "its Docker engine ended, and was started again", heard_s)
        for instance in [i for i in self._containers.all if not i.running]:
            await self._engine.run(drop_container, self._engine.api, instance.container)

    async def _lose(self, lost: Sequence[DockerInstance], reason: str, heard_s: float) -> None:
        """Cut them off, and tell that they are gone; what is no machine has just ended."""
        for instance in lost:
            instance.lost()
            self._containers.close_forwarder(instance.spec)
        if self.gone:
            self._engine.give_up()
        if self.overseer:
            ids = [instance.spec.id for instance in lost]
            unheard_s = self._clock.now() - heard_s
            await self.overseer.host_lost(self._engine.where, ids, reason, unheard_s)
        for instance in lost:
            await instance.kill()
