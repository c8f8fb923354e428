"""Brings releases to machines, one deploy at a time, and journals each step.

Who takes the steps may be somebody else: flyctl updates machine after machine by itself, and says
when it begins and ends (`begin`, `tell`, `end`). Either way the journal has one kind of deploy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.clock import Clock
from sim.deploys.deploy_steps import DeploySteps
from sim.deploys.plan import Slot, plan
from sim.deploys.release import Order, released
from sim.errors import InputError, SimError
from sim.machines import lease
from sim.machines.checker import HealthChecker
from sim.machines.config import MachineConfig
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.journal import Journal
from sim.topology.model import Topology


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
        self._steps = DeploySteps(topology, fleet, health, clock, self.tell)

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
        self.begin(strategy, config, machines)
        error = ""
        try:
            await self._steps.take(steps, config)
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


def _slot(machine: Machine) -> Slot:
    config = machine.config
    return Slot(
        machine.id,
        machine.region,
        machine.state is State.STARTED,
        config.process_group,
        bool(config.checks),
    )
