"""The machines of a world: who they are, and the verbs that start, change, break and end them.

What is so is journaled when it happens (`MachineChanged`), an exit that nobody asked for too. A
machine that died is started again as its restart policy says; one that a fault ended stays down.

Verbs that conflict need no queue: each changes the machine's state before it waits for anything,
so the first one wins and the others raise IllegalTransitionError, having changed nothing. A kill
is never refused.
"""

from __future__ import annotations

import asyncio
import signal as signals
from collections.abc import Callable, Mapping
from dataclasses import replace

from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.machines.app_secrets import AppSecrets
from sim.machines.checker import HealthChecker
from sim.machines.config import MachineConfig, config_of
from sim.machines.health import Status
from sim.machines.lifecycle import Action, IllegalTransitionError, State
from sim.machines.machine import Machine
from sim.machines.roster import Roster
from sim.machines.runs import Runs, running, started
from sim.machines.runtime import Runtime
from sim.machines.specs import SpecBuilder
from sim.machines.state_recorder import StateRecorder
from sim.observe.events import CordonChanged, MachineUpdated
from sim.observe.events.releases import SecretsChanged
from sim.observe.journal import Journal
from sim.suggestions import suggest
from sim.topology.model import Topology


class Fleet(Roster):
    """All machines of a world, by id. `default` is what a machine is unless told otherwise."""

    def __init__(
        self,
        topology: Topology,
        runtime: Runtime,
        specs: SpecBuilder,
        health: HealthChecker,
        clock: Clock,
        journal: Journal,
    ) -> None:
        super().__init__()
        self.default = config_of(topology, runtime.name)
        self._clock = clock
        self.regions = topology.regions
        self._specs = specs
        self._health = health
        self._journal = journal
        self.recorder = StateRecorder(clock, journal)
        self.runs = Runs(runtime, specs, health, clock, self.recorder, self._over)

    def __repr__(self) -> str:
        started = sum(m.state is State.STARTED for m in self._machines.values())
        return f"<Fleet {started} of {len(self._machines)} machines started>"

    @property
    def secrets(self) -> AppSecrets:
        """The app's secrets, as a machine that boots now gets them."""
        return self._specs.secrets

    def change_secrets(self, values: Mapping[str, str | None], *, staged: bool) -> None:
        """Set these, and remove those that are None; a machine gets them when it boots next.

        `staged`: no deploy follows at once. Raises InputError for a name that cannot be one.
        """
        version = self.secrets.change(values, self._clock.now())
        self._journal.write(SecretsChanged(version, tuple(values), staged))

    def on_change(self, listener: Callable[[Machine], None]) -> None:
        """Call `listener(machine)` after every change of a machine's state, version or cordon."""
        self.recorder.on_change(listener)

    async def news(self) -> None:
        """Wait until the next change, of any machine."""
        await self.recorder.news()

    # --- who is there ------------------------------------------------------------------------

    def create(
        self, region: str, config: MachineConfig | None = None, name: str | None = None
    ) -> Machine:
        """Add a machine to a region, not started yet.

        Raises InputError for an unknown region, or a name that another machine has.
        """
        if region not in self.regions:
            raise InputError(f"no region `{region}`{suggest(region, self.regions)}")
        if name is not None and self.named(name):
            raise InputError(f"a machine is called {name!r} already")
        number = self.free_number(region)
        config = config or self.default
        spec = self._specs.build(region, number, config)
        fly_name = name or self._specs.name_for(spec)
        machine = Machine(spec, number, config=config, fly_name=fly_name)
        self._machines[machine.id] = machine
        self._health.watch(machine, config.checks)
        self.recorder.made(machine)
        return machine

    async def destroy(self, machine: Machine) -> None:
        """Remove it for good; one that runs is killed first."""
        await self.kill(machine)
        if machine.id in self._machines:  # else it went with its end
            self._remove(machine)

    def _over(self, machine: Machine) -> None:
        if machine.config.auto_destroy:
            self._remove(machine)

    def _remove(self, machine: Machine) -> None:
        self.recorder.change(machine, Action.DESTROY)
        self._health.unwatch(machine.id)
        del self._machines[machine.id]
        self._specs.release(machine.spec)
        self.recorder.change(machine, Action.DESTROYED)

    # --- up and down -------------------------------------------------------------------------

    async def start(self, machine: Machine, *, settled: bool = True) -> None:
        """Run the machine, or wake a suspended one, and wait until its health check passes.

        Raises StartError, with its last log lines, when it cannot run, dies, or does not pass
        within a minute of real time; then it is down. Unless `settled`, one that is run is not
        waited for: whoever asked looks after it, and says `accept` once it came up.
        """
        if machine.host_lost:
            raise IllegalTransitionError(f"cannot start {machine.name}: its host is lost")
        self.recorder.change(machine, Action.START)
        if self.runs.up(machine):
            await self._resume(machine, settled=settled)
        else:
            await self._run(machine, settled=settled)

    async def stop(
        self, machine: Machine, *, signal: int | None = None, timeout_s: float | None = None
    ) -> None:
        """Its kill signal, time to drain, and SIGKILL after its kill timeout (simulated seconds).

        `signal` and `timeout_s` are for this once. A suspended one just loses its memory.
        """
        suspended = machine.state is State.SUSPENDED
        self.recorder.change(machine, Action.STOP)
        if suspended:
            await self.runs.end(machine, running(machine).kill(), "stopped")
        else:
            order = machine.config.stop_order(signal, timeout_s)
            await self.runs.stop(machine, order, "stopped")

    async def kill(self, machine: Machine, why: str = "killed") -> None:
        """SIGKILL: it is gone at once. Nothing happens to a machine that is not running."""
        if self.runs.up(machine):
            await self.runs.end(machine, running(machine).kill(), why)

    async def restart(
        self,
        machine: Machine,
        *,
        signal: int | None = None,
        timeout_s: float | None = None,
        settled: bool = True,
    ) -> None:
        """Stop it and run it again; it is `restarting` meanwhile. Raises StartError."""
        self.recorder.change(machine, Action.RESTART)
        await self.runs.stop(machine, machine.config.stop_order(signal, timeout_s), "restarted")
        await self._run(machine, settled=settled)

    async def update(
        self, machine: Machine, config: MachineConfig, *, settled: bool = True
    ) -> None:
        """Make it another version: same id and place, new config and instance id.

        One that runs is stopped and run again, `updating` meanwhile; one that is down stays down.
        Raises StartError when the new version does not come up; it is the machine's all the same.
        `settled` is as for `start`.
        """
        if machine.state is State.SUSPENDED:
            await self.kill(machine)  # its memory is of the version before
        self.recorder.change(machine, Action.UPDATE)
        order = machine.config.stop_order()  # the version that ends says how
        machine.before.appendleft((machine.instance_id, machine.config))
        machine.config = config
        machine.spec = self._specs.next_version(machine.spec, config)
        self.runs.unproven(machine)
        self._health.recheck(machine.id, config.checks)
        self._journal.write(
            MachineUpdated(machine.id, machine.region, machine.instance_id, config.image or "")
        )
        if machine.state is State.UPDATING:
            await self.runs.stop(machine, order, "updated")
            await self._run(machine, settled=settled)

    def obstacles(self) -> dict[str, str]:
        """What keeps each machine that runs from passing its check, by its name."""
        return {
            machine.name: self.runs.obstacle(machine)
            for machine in self._machines.values()
            if machine.state is State.STARTED
            and self.runs.up(machine)
            and self._health.status(machine.id) is not Status.PASSING
        }

    def accept(self, machine: Machine) -> None:
        """It came up, as whoever did not let it settle has seen: its restart policy counts now."""
        self.runs.proven(machine)

    def ended(self, machine: Machine) -> bool:
        """Whether it was run and that run is over."""
        return machine.instance is not None and not self.runs.up(machine)

    async def suspend(self, machine: Machine) -> None:
        """Freeze it with its memory: it gets no traffic and no checks until it is started."""
        self.recorder.change(machine, Action.SUSPEND)
        try:
            await running(machine).freeze()
        except BaseException:
            if machine.state is State.SUSPENDING:
                self.recorder.change(machine, Action.READY, "it could not be suspended")
            raise
        if machine.state is not State.SUSPENDING:
            raise InputError(f"{machine.name} ended while it was suspended: it is {machine.state}")
        self.recorder.change(machine, Action.SUSPENDED)

    async def close(self) -> None:
        """End the world's machines, all at once, with the time to drain that a stop gives."""
        await self.runs.close()
        up = [m for m in self._machines.values() if self.runs.up(m)]
        for machine in up:
            if machine.frozen or machine.state is State.SUSPENDED:
                await running(machine).thaw()  # else it could not even end
        await asyncio.gather(
            *(self.runs.stop(m, m.config.stop_order(), "the world ended") for m in up)
        )

    # --- while it runs -----------------------------------------------------------------------

    def cordon(self, machine: Machine) -> None:
        """Lead no new traffic to it; connections that it has stay. Idempotent."""
        self._set_cordon(machine, cordoned=True)

    def uncordon(self, machine: Machine) -> None:
        """Lead traffic to it again."""
        self._set_cordon(machine, cordoned=False)

    async def signal(self, machine: Machine, number: int) -> None:
        """Send it a signal. Raises InputError unless it is started."""
        instance = started(machine, "signal")
        self.runs.signalled(machine, number)
        self.recorder.tell(machine, f"sent {signals.Signals(number).name}")
        await instance.signal(number)

    def annotate(self, machine: Machine, metadata: Mapping[str, str]) -> None:
        """Change its metadata, which is no new version."""
        machine.config = replace(machine.config, metadata=dict(metadata))
        self.recorder.changed(machine)

    async def _run(self, machine: Machine, *, settled: bool) -> None:
        await (self.runs.run(machine) if settled else self.runs.launch(machine))

    async def _resume(self, machine: Machine, *, settled: bool) -> None:
        """Let a suspended one go on where it was, with the memory that it had."""
        await running(machine).thaw()
        if not self.runs.up(machine):
            raise StartError(f"machine {machine.name} ended as it woke")
        self.recorder.change(machine, Action.READY)
        self._health.started(machine.id)
        if settled:
            await self.runs.first_pass(machine)

    def _set_cordon(self, machine: Machine, *, cordoned: bool) -> None:
        if machine.cordoned != cordoned:
            machine.cordoned = cordoned
            self._journal.write(CordonChanged(machine.id, machine.region, cordoned))
            self.recorder.changed(machine)
