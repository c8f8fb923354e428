"""Takes the steps of a deploy's plan: each to its machines, so many at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from sim.clock import Clock
from sim.deploys.plan import Step
from sim.deploys.proof import Proof
from sim.deploys.release import brought
from sim.errors import SimError, StartError
from sim.machines.checker import HealthChecker
from sim.machines.config import MachineConfig
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.runs import post_mortem, running
from sim.topology.model import Topology

_SETTLE_S = 10.0  # how long flyctl gives the proxy to learn of new machines, or forget old ones
_LOG_LINES = 20


@dataclass
class _UnderWay:
    """A deploy that goes on: what it brings, and the machines that it has made, by whose place."""

    config: MachineConfig
    greens: dict[str, Machine]
    switched: bool = False


class DeploySteps:
    """Does steps to a world's machines. `tell` is told each, by name, before it is done to one."""

    def __init__(
        self,
        topology: Topology,
        fleet: Fleet,
        health: HealthChecker,
        clock: Clock,
        tell: Callable[[str, Machine], None],
    ) -> None:
        self._settings = topology.deploy
        self._primary = topology.primary.code
        self._fleet = fleet
        self._clock = clock
        self._tell = tell
        self._proof = Proof(fleet, health, clock)

    async def take(self, steps: Sequence[Step], config: MachineConfig) -> None:
        """Take them in order. Raises SimError where one fails; no later one is begun.

        Machines made beside old ones are gone then, unless traffic was already led to them.
        """
        under_way = _UnderWay(config, {})
        try:
            for step in steps:
                await self._step(step, under_way)
        except SimError:
            # Until traffic is led to the new machines the old ones serve, and nothing is lost.
            if not under_way.switched:
                await asyncio.gather(*map(self._fleet.destroy, under_way.greens.values()))
            raise

    async def _step(self, step: Step, under_way: _UnderWay) -> None:
        if step.do == "release_command":
            await self._release_command(under_way)
        elif step.do == "settle":
            await self._clock.sleep(_SETTLE_S)
        else:
            await self._each(step, under_way)

    async def _each(self, step: Step, under_way: _UnderWay) -> None:
        """Do a step to its machines, so many at a time. After a failure no other is begun."""
        act = self._acts()[step.do]
        waiting, failures = deque(step.machines), list[SimError]()

        async def work() -> None:
            while waiting and not failures:
                machine = self._fleet.machines.get(waiting.popleft())
                if machine is None:
                    continue  # somebody destroyed it meanwhile
                self._tell(step.do, machine)
                try:
                    await act(machine, step, under_way)
                except SimError as failure:
                    failures.append(failure)

        await asyncio.gather(*(work() for _ in range(min(step.at_once, len(waiting)))))
        if failures:
            raise failures[0]

    def _acts(self) -> dict[str, Callable[[Machine, Step, _UnderWay], Awaitable[None]]]:
        return {
            "canary": self._canary,
            "update": self._update,
            "create": self._create,
            "check": self._check,
            "uncordon": self._uncordon,
            "cordon": self._cordon,
            "stop": self._stop,
            "destroy": self._destroy,
        }

    async def _update(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        config = brought(machine.config, under_way.config)
        await self._fleet.update(machine, config, settled=False)
        if step.proven:
            await self._prove(machine)
        self._fleet.accept(machine)

    async def _canary(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        """One machine more, which takes no traffic: it is there to be watched."""
        del step
        config = brought(machine.config, under_way.config)
        canary = replace(config, metadata={**config.metadata, "fly_canary": "true"})
        bird = await self._launch(machine.region, canary)
        try:
            await self._prove(bird)
        finally:
            await self._fleet.destroy(bird)

    async def _create(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        del step
        config = brought(machine.config, under_way.config)
        green = self._fleet.create(machine.region, config)
        under_way.greens[machine.id] = green
        self._fleet.cordon(green)
        await self._fleet.start(green, settled=False)

    async def _check(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        del step
        green = under_way.greens[machine.id]
        self._tell("health", green)
        await self._proof.healthy(green, self._settings.wait_timeout_s)
        self._fleet.accept(green)

    async def _uncordon(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        del step
        under_way.switched = True
        self._fleet.uncordon(under_way.greens[machine.id])

    async def _cordon(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        del step, under_way
        self._fleet.cordon(machine)

    async def _stop(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        del step, under_way
        if machine.state is State.STARTED:
            await self._fleet.stop(machine)

    async def _destroy(self, machine: Machine, step: Step, under_way: _UnderWay) -> None:
        del step, under_way
        await self._fleet.destroy(machine)

    async def _release_command(self, under_way: _UnderWay) -> None:
        """Run it once, in a machine of its own that serves nobody. Raises StartError."""
        config = replace(
            under_way.config,
            command=self._settings.release_command,
            env={**under_way.config.env, "RELEASE_COMMAND": "1"},
            checks=(),
            serves=False,
        )
        machine = await self._launch(self._primary, config)
        self._tell("release_command", machine)
        instance = running(machine)
        try:
            async with self._clock.timeout(self._settings.wait_timeout_s):
                end = await instance.exited()
            problem = None if end.code == 0 else f"ran the release command, which {end}"
        except TimeoutError:
            problem = "ran the release command for too long"
        tail = await instance.tail(_LOG_LINES)
        await self._fleet.destroy(machine)
        if problem:
            raise StartError(post_mortem(machine, problem, tail))

    async def _launch(self, region: str, config: MachineConfig) -> Machine:
        """A machine that takes no traffic, started. Raises StartError, and leaves none then."""
        machine = self._fleet.create(region, config)
        self._fleet.cordon(machine)
        try:
            await self._fleet.start(machine, settled=False)
        except BaseException:
            await self._fleet.destroy(machine)
            raise
        return machine

    async def _prove(self, machine: Machine) -> None:
        self._tell("smoke", machine)
        await self._proof.smoke(machine)
        if machine.config.checks:
            self._tell("health", machine)
            await self._proof.healthy(machine, self._settings.wait_timeout_s)
