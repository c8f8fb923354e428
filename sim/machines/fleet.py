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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from sim.clock import Clock
from sim.errors import InputError, SimError, StartError
from sim.lens.lens import Uncovered
from sim.machines.app_secrets import AppSecrets
from sim.machines.checker import HealthChecker
from sim.machines.config import MachineConfig, config_of
from sim.machines.health import Status
from sim.machines.lifecycle import Action, IllegalTransitionError, State
from sim.machines.machine import Machine
from sim.machines.roster import Roster
from sim.machines.runs import Runs, running, told_once
from sim.machines.runtime import Executed, Instance, MachineSpec, ProcessRow, Runtime
from sim.machines.specs import SpecBuilder
from sim.machines.state_recorder import StateRecorder
from sim.observe.events import CordonChanged, HostLost, MachineUpdated, PartFailed, RealTimeSeen
from sim.observe.events.releases import SecretsChanged
from sim.observe.journal import Journal
from sim.topology.model import Topology
from sim.topology.problems import suggest


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
        self._regions = topology.regions
        self._specs = specs
        self._health = health
        self._journal = journal
        self._recorder = StateRecorder(clock, journal)
        self._runs = Runs(runtime, specs, health, clock, self._recorder, self._over)

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
        self._recorder.on_change(listener)

    async def news(self) -> None:
        """Wait until the next change, of any machine."""
        await self._recorder.news()

    # --- who is there ------------------------------------------------------------------------

    def create(
        self, region: str, config: MachineConfig | None = None, name: str | None = None
    ) -> Machine:
        """Add a machine to a region, not started yet.

        Raises InputError for an unknown region, or a name that another machine has.
        """
        if region not in self._regions:
            raise InputError(f"no region `{region}`{suggest(region, self._regions)}")
        if name is not None and self.named(name):
            raise InputError(f"a machine is called {name!r} already")
        number = self.free_number(region)
        config = config or self.default
        spec = self._specs.build(region, number, config)
        fly_name = name or self._specs.name_for(spec)
        machine = Machine(spec, number, config=config, fly_name=fly_name)
        self._machines[machine.id] = machine
        self._health.watch(machine, config.checks)
        self._recorder.made(machine)
        return machine

    async def launch(self) -> None:
        """Create and start all machines of the topology, at the same time.

        One that dies where others of the same program come up is started once more, as Fly would:
        programs that create their tables at their start run into each other.
        """
        machines = [
            self.create(code)
            for code, region in self._regions.items()
            for _ in range(region.machines)
        ]
        try:
            await self.start_all(machines)
        except StartError:
            down = [machine for machine in machines if machine.state is not State.STARTED]
            if len(down) == len(machines) or not all(machine.died for machine in down):
                raise
            await self.start_all(down)

    async def destroy(self, machine: Machine) -> None:
        """Remove it for good; one that runs is killed first."""
        await self.kill(machine)
        if machine.id in self._machines:  # else it went with its end
            self._remove(machine)

    def _over(self, machine: Machine) -> None:
        if machine.config.auto_destroy:
            self._remove(machine)

    def _remove(self, machine: Machine) -> None:
        self._recorder.change(machine, Action.DESTROY)
        self._health.unwatch(machine.id)
        del self._machines[machine.id]
        self._specs.release(machine.spec)
        self._recorder.change(machine, Action.DESTROYED)

    # --- up and down -------------------------------------------------------------------------

    async def start_all(self, machines: Iterable[Machine]) -> None:
        """Start these at the same time. Raises one StartError that tells of all that failed."""
        machines = list(machines)
        results = await asyncio.gather(*map(self.start, machines), return_exceptions=True)
        failures: dict[str, SimError] = {}
        for machine, result in zip(machines, results, strict=True):
            if isinstance(result, SimError):
                failures[machine.name] = result
            elif isinstance(result, BaseException):
                raise result
        if len(failures) == 1:
            raise next(iter(failures.values()))
        if failures:
            raise StartError(told_once(failures))

    async def start(self, machine: Machine, *, settled: bool = True) -> None:
        """Run the machine, or wake a suspended one, and wait until its health check passes.

        Raises StartError, with its last log lines, when it cannot run, dies, or does not pass
        within a minute of real time; then it is down. Unless `settled`, one that is run is not
        waited for: whoever asked looks after it, and says `accept` once it came up.
        """
        if machine.host_lost:
            raise IllegalTransitionError(f"cannot start {machine.name}: its host is lost")
        self._recorder.change(machine, Action.START)
        if self._runs.up(machine):
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
        self._recorder.change(machine, Action.STOP)
        if suspended:
            await self._runs.end(machine, running(machine).kill(), "stopped")
        else:
            order = machine.config.stop_order(signal, timeout_s)
            await self._runs.stop(machine, order, "stopped")

    async def kill(self, machine: Machine, why: str = "killed") -> None:
        """SIGKILL: it is gone at once. Nothing happens to a machine that is not running."""
        if self._runs.up(machine):
            await self._runs.end(machine, running(machine).kill(), why)

    async def lose_host(self, machines: Sequence[Machine], why: str = "killed") -> None:
        """Their host is gone, and they with it; as at Fly they are not run on another.

        Machines that stand by for one of them are started. Raises StartError where one does not
        come up.
        """
        for machine in machines:
            machine.host_lost = True
        await asyncio.gather(*(self.kill(machine, why) for machine in machines))
        lost = {machine.id for machine in machines}
        await self.start_all(
            machine
            for machine in list(self._machines.values())
            if lost & {*machine.config.standbys}
            and machine.state in (State.CREATED, State.STOPPED)
            and not machine.host_lost
        )

    def return_host(self, machine: Machine) -> None:
        """Its host is back: it may be started again."""
        machine.host_lost = False

    async def restart(
        self,
        machine: Machine,
        *,
        signal: int | None = None,
        timeout_s: float | None = None,
        settled: bool = True,
    ) -> None:
        """Stop it and run it again; it is `restarting` meanwhile. Raises StartError."""
        self._recorder.change(machine, Action.RESTART)
        await self._runs.stop(machine, machine.config.stop_order(signal, timeout_s), "restarted")
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
        self._recorder.change(machine, Action.UPDATE)
        order = machine.config.stop_order()  # the version that ends says how
        machine.before.appendleft((machine.instance_id, machine.config))
        machine.config = config
        machine.spec = self._specs.next_version(machine.spec, config)
        self._runs.unproven(machine)
        self._health.recheck(machine.id, config.checks)
        self._journal.write(
            MachineUpdated(machine.id, machine.region, machine.instance_id, config.image or "")
        )
        if machine.state is State.UPDATING:
            await self._runs.stop(machine, order, "updated")
            await self._run(machine, settled=settled)

    def obstacles(self) -> dict[str, str]:
        """What keeps each machine that runs from passing its check, by its name."""
        return {
            machine.name: self._runs.obstacle(machine)
            for machine in self._machines.values()
            if machine.state is State.STARTED
            and self._runs.up(machine)
            and self._health.status(machine.id) is not Status.PASSING
        }

    def accept(self, machine: Machine) -> None:
        """It came up, as whoever did not let it settle has seen: its restart policy counts now."""
        self._runs.proven(machine)

    def ended(self, machine: Machine) -> bool:
        """Whether it was run and that run is over."""
        return machine.instance is not None and not self._runs.up(machine)

    async def suspend(self, machine: Machine) -> None:
        """Freeze it with its memory: it gets no traffic and no checks until it is started."""
        self._recorder.change(machine, Action.SUSPEND)
        try:
            await running(machine).freeze()
        except BaseException:
            if machine.state is State.SUSPENDING:
                self._recorder.change(machine, Action.READY, "it could not be suspended")
            raise
        if machine.state is not State.SUSPENDING:
            raise InputError(f"{machine.name} ended while it was suspended: it is {machine.state}")
        self._recorder.change(machine, Action.SUSPENDED)

    async def freeze(self, machine: Machine, *, host: bool = False) -> None:
        """SIGSTOP: it accepts connections and answers nothing. Its state stays as it is.

        With its `host` its kernel stands still too. Raises InputError where that cannot be had.
        """
        self._demand_started(machine, "freeze")
        await running(machine).freeze(host=host)
        machine.frozen = self._runs.up(machine)

    async def thaw(self, machine: Machine) -> None:
        """SIGCONT: a frozen machine goes on where it was."""
        self._demand_started(machine, "thaw")
        await running(machine).thaw()
        machine.frozen = False

    async def disconnect(self, machine: Machine) -> None:
        """Cut it off from its network; its state stays. Raises InputError for a process."""
        self._demand_started(machine, "disconnect")
        await running(machine).disconnect()
        machine.cut_off = self._runs.up(machine)

    async def reconnect(self, machine: Machine) -> None:
        """Put one that was cut off back into its network."""
        self._demand_started(machine, "reconnect")
        await running(machine).reconnect()
        machine.cut_off = False

    async def close(self) -> None:
        """End the world's machines, all at once, with the time to drain that a stop gives."""
        await self._runs.close()
        up = [m for m in self._machines.values() if self._runs.up(m)]
        for machine in up:
            if machine.frozen or machine.state is State.SUSPENDED:
                await running(machine).thaw()  # else it could not even end
        await asyncio.gather(
            *(self._runs.stop(m, m.config.stop_order(), "the world ended") for m in up)
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
        self._demand_started(machine, "signal")
        self._runs.signalled(machine, number)
        self._recorder.tell(machine, f"sent {signals.Signals(number).name}")
        await running(machine).signal(number)

    async def execute(
        self, machine: Machine, argv: Sequence[str], *, stdin: str = "", timeout_real_s: float = 30
    ) -> Executed:
        """Run a command in it. Raises InputError unless it is started, StartError for no command.

        The time limit is real seconds: it is the command's own speed that counts.
        """
        self._demand_started(machine, "run a command in")
        return await running(machine).execute(argv, stdin, timeout_real_s)

    async def processes(self, machine: Machine) -> list[ProcessRow]:
        """What runs in it. Raises InputError unless it is started."""
        self._demand_started(machine, "look into")
        return await running(machine).processes()

    def annotate(self, machine: Machine, metadata: Mapping[str, str]) -> None:
        """Change its metadata, which is no new version."""
        machine.config = replace(machine.config, metadata=dict(metadata))
        self._recorder.changed(machine)

    # --- what nobody here asked for ----------------------------------------------------------

    def befell(
        self,
        machine_id: str,
        what: str,
        *,
        frozen: bool | None = None,
        cut_off: bool | None = None,
    ) -> None:
        """Journal what somebody else did to a machine that goes on running."""
        if machine := self._machines.get(machine_id):
            machine.frozen = machine.frozen if frozen is None else frozen
            machine.cut_off = machine.cut_off if cut_off is None else cut_off
            self._recorder.tell(machine, what)
        else:
            self.part_failed(machine_id, what)  # a service's container: nobody was asked for that

    async def returned(self, machine_id: str, instance: Instance) -> None:
        """Somebody else has started a machine that had ended."""
        machine = self._machines.get(machine_id)
        if machine and machine.state in (State.STOPPED, State.FAILED):
            self._recorder.change(machine, Action.START, "started by somebody else")
            self._runs.begin(machine, instance)

    async def host_lost(
        self, host: str, machine_ids: Sequence[str], reason: str, unheard_s: float
    ) -> None:
        """Journal that a host went away by itself, and lose it."""
        machines = [m for m in self._machines.values() if m.id in machine_ids]
        ids = tuple(machine.id for machine in machines)
        self._journal.write(HostLost(host, ids, reason, round(unheard_s, 3)))
        with suppress(StartError):  # one that stands by did not come up: its state says so
            await self.lose_host(machines, f"its host is gone: {reason}")

    def part_failed(self, part: str, reason: str) -> None:
        """Journal that something that machines depend on is gone."""
        self._journal.write(PartFailed(part, reason))

    def real_time(self, spec: MachineSpec, seen: Uncovered) -> None:
        """Journal that a machine uses time that it cannot be shown as the world's."""
        self._journal.write(RealTimeSeen(spec.id, spec.region, seen.what, seen.whole))

    async def _run(self, machine: Machine, *, settled: bool) -> None:
        await (self._runs.run(machine) if settled else self._runs.launch(machine))

    async def _resume(self, machine: Machine, *, settled: bool) -> None:
        """Let a suspended one go on where it was, with the memory that it had."""
        await running(machine).thaw()
        if not self._runs.up(machine):
            raise StartError(f"machine {machine.name} ended as it woke")
        self._recorder.change(machine, Action.READY)
        self._health.started(machine.id)
        if settled:
            await self._runs.first_pass(machine)

    def _set_cordon(self, machine: Machine, *, cordoned: bool) -> None:
        if machine.cordoned != cordoned:
            machine.cordoned = cordoned
            self._journal.write(CordonChanged(machine.id, machine.region, cordoned))
            self._recorder.changed(machine)

    def _demand_started(self, machine: Machine, verb: str) -> None:
        if machine.state is not State.STARTED:
            raise IllegalTransitionError(
                f"cannot {verb} {machine.name}: it is {machine.state}, not started"
            )
