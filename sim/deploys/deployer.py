"""Carries out deploys, one at a time, and journals each step.

Who takes the steps may be somebody else: flyctl updates machine after machine by itself, and says
when it begins and ends (`begin`, `tell`, `end`). Either way the journal has one kind of deploy.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from sim.clock import Clock
from sim.deploys.plan import Slot, Step, plan
from sim.deploys.proof import Proof
from sim.deploys.release import Order, brought, released
from sim.errors import InputError, SimError, StartError
from sim.machines import lease
from sim.machines.checker import HealthChecker
from sim.machines.config import MachineConfig
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.runs import post_mortem, running
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.journal import Journal
from sim.topology.model import Topology

_SETTLE_S = 10.0  # how long flyctl gives the proxy to learn of new machines, or forget old ones
_LOG_LINES = 20


@dataclass(frozen=True)
class Deployed:
    """How a deploy ended: `error` is None where all of it was done."""

    release: int
    strategy: str
    error: str | None = None


@dataclass
class Release:
    """A release, and what came of bringing it: `status` is running, complete or failed.

    `client`: somebody else takes its steps.
    """

    number: int
    strategy: str
    image: str
    began_s: float
    status: str = "running"
    client: bool = False


@dataclass
class _UnderWay:
    """A deploy that goes on: what it brings, and the machines that it has made, by whose place."""

    number: int
    config: MachineConfig
    greens: dict[str, Machine]
    switched: bool = False


class Deployer:
    """Brings releases to a world's machines. `releases` are all of them, the newest last."""

    def __init__(
        self,
        topology: Topology,
        fleet: Fleet,
        health: HealthChecker,
        clock: Clock,
        journal: Journal,
    ) -> None:
        image = fleet.default.image or ""
        self.releases = [Release(1, topology.deploy.strategy, image, 0.0, "complete")]
        self.under_way: Release | None = None
        self.last: Deployed | None = None
        self._settings = topology.deploy
        self._primary = topology.primary.code
        self._fleet = fleet
        self._clock = clock
        self._journal = journal
        self._proof = Proof(fleet, health, clock)

    def __repr__(self) -> str:
        deploying = ", deploying" if self.under_way else ""
        return f"<Deployer release {self.releases[-1].number}{deploying}>"

    async def deploy(self, order: Order) -> Deployed:
        """Do it. What fails ends it there, is journaled, and is told in what is returned.

        Raises InputError, having done nothing, where it cannot begin: no machine, no checks for a
        bluegreen one, or another deploy under way.
        """
        self._demand_free()
        machines = self._targets(order)
        strategy = order.strategy or self._settings.strategy
        steps = plan([_slot(m) for m in machines], self._primary, self._settings, strategy)
        config = released(self._fleet.default, order, self.releases[-1].number + 1)
        release = self.begin(strategy, config, machines)
        error = ""
        try:
            await self._run(steps, _UnderWay(release.number, config, {}))
        except SimError as failure:
            error = str(failure)
        except BaseException:
            # One that is cut off, because the world ends, has no end: nobody knows what it came to.
            self.under_way = None
            raise
        return self.end(error, config if order.to_all else None)

    def begin(
        self,
        strategy: str,
        config: MachineConfig,
        machines: Sequence[Machine] | None = None,
        *,
        client: bool = False,
    ) -> Release:
        """A new release is brought to machines (all, where none are named) from now on.

        A client that went away has told no end: its deploy has failed once another begins one.
        Raises InputError where a deploy is under way.
        """
        if client and self.under_way and self.under_way.client:
            self.end("another deploy began before this one was said to be over")
        self._demand_free()
        image, now_s = config.image or "", self._clock.now()
        release = Release(self.releases[-1].number + 1, strategy, image, now_s, client=client)
        self.releases.append(release)
        self.under_way = release
        targets = self._targets(Order()) if machines is None else machines
        self._journal.write(
            DeployBegan(
                release=release.number,
                strategy=strategy,
                machines=tuple(machine.id for machine in targets),
                image=image,
                command=config.command or (),
            )
        )
        return release

    def tell(self, step: str, machine: Machine) -> None:
        """The deploy under way begins to do this to a machine."""
        if self.under_way:
            number = self.under_way.number
            self._journal.write(DeployStep(number, step, machine.id, machine.region))

    def end(self, error: str = "", default: MachineConfig | None = None) -> Deployed:
        """The deploy under way is over. Without an error new machines get `default` from now on."""
        release = self.under_way
        if release is None:
            raise InputError("no deploy is under way")
        self.under_way = None
        release.status = "failed" if error else "complete"
        self._journal.write(DeployEnded(release.number, "failed" if error else "done", error))
        if default and not error:
            self._fleet.default = default
        self.last = Deployed(release.number, release.strategy, error or None)
        return self.last

    def _demand_free(self) -> None:
        """Raises InputError where a deploy goes on. A client that holds no lease has gone away."""
        now_s = self._clock.now()
        led = any(lease.current(m.lease, now_s) for m in self._fleet.machines.values())
        if self.under_way and self.under_way.client and not led:
            self.end("whoever took its steps went away")
        if self.under_way:
            raise InputError("a deploy is under way; wait until it is over")

    def _targets(self, order: Order) -> list[Machine]:
        """The machines that are meant. One that is none of the platform's is left alone."""
        machines = list(self._fleet.machines.values())
        if order.machines is not None:
            machines = [m for m in machines if m.id in order.machines]
        return [m for m in machines if m.config.managed]

    # --- steps -------------------------------------------------------------------------------

    async def _run(self, steps: Sequence[Step], under_way: _UnderWay) -> None:
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
                self.tell(step.do, machine)
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
        self.tell("health", green)
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
        self.tell("release_command", machine)
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
        self.tell("smoke", machine)
        await self._proof.smoke(machine)
        if machine.config.checks:
            self.tell("health", machine)
            await self._proof.healthy(machine, self._settings.wait_timeout_s)


def _slot(machine: Machine) -> Slot:
    config = machine.config
    return Slot(
        machine.id,
        machine.region,
        machine.state is State.STARTED,
        config.process_group,
        bool(config.checks),
    )
