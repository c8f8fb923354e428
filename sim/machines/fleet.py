"""The machines of a world: who they are, and the verbs that start, break and end them.

What is so is journaled when it happens (`MachineChanged`), an exit that nobody asked for too. A
machine that died is started again as its restart policy says; one that a fault ended stays down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from types import MappingProxyType

from sim.clock import Clock
from sim.errors import InputError, SimError, StartError
from sim.machines.checker import HealthChecker
from sim.machines.lifecycle import Action, State
from sim.machines.machine import Machine
from sim.machines.runtime import Exit, Instance, Runtime
from sim.machines.specs import SpecBuilder
from sim.observe.events import MachineChanged, PartFailed
from sim.observe.journal import Journal
from sim.topology.model import Topology

# Real seconds that a machine has until its first passing check: how fast a real program starts
# does not depend on the simulation's speed.
_START_TIMEOUT_REAL_S = 60.0
_LOG_LINES = 20
# Fly's own default; the wait before a restart doubles from the first one on, in simulated seconds.
_MAX_RESTARTS = 10
_FIRST_BACKOFF_S = 1.0


class Fleet:
    """All machines of a world, by id."""

    def __init__(
        self,
        topology: Topology,
        runtime: Runtime,
        specs: SpecBuilder,
        health: HealthChecker,
        clock: Clock,
        journal: Journal,
    ) -> None:
        self._gateway = topology.gateway
        self._regions = topology.regions
        self._runtime = runtime
        self._specs = specs
        self._health = health
        self._clock = clock
        self._journal = journal
        self._machines: dict[str, Machine] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._why_down: dict[str, str] = {}
        self._restarts: dict[str, int] = {}
        self._restarting: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        started = sum(m.state is State.STARTED for m in self._machines.values())
        return f"<Fleet {started} of {len(self._machines)} machines started>"

    @property
    def machines(self) -> Mapping[str, Machine]:
        """Every machine that was not destroyed, by id, in the order of creation."""
        return MappingProxyType(self._machines)

    def in_region(self, region: str) -> list[Machine]:
        """The machines of a region, the first one first."""
        found = [m for m in self._machines.values() if m.region == region]
        return sorted(found, key=lambda machine: machine.number)

    def find(self, target: str) -> list[Machine]:
        """The machines meant by an id, by `fra/1`, or by a region. Raises InputError for none."""
        if target in self._machines:
            return [self._machines[target]]
        found = [m for m in self._machines.values() if target == m.name]
        if found := found or self.in_region(target):
            return found
        there_are = ", ".join(f"{m.name} ({m.id})" for m in self._machines.values()) or "none"
        raise InputError(
            f"no machine or region with machines is {target!r}; there are: {there_are}"
        )

    # --- verbs -------------------------------------------------------------------------------

    def create(self, region: str) -> Machine:
        """Add a machine to a region, not started yet. Raises InputError for an unknown region."""
        if region not in self._regions:
            raise InputError(f"no region {region!r}; there are: {', '.join(self._regions)}")
        taken = {machine.number for machine in self.in_region(region)}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        machine = Machine(self._specs.build(region, number), number)
        self._machines[machine.id] = machine
        self._health.watch(machine, self._gateway.checks)
        self._tell(machine)
        return machine

    async def launch(self) -> None:
        """Create and start all machines of the topology, at the same time."""
        machines = [
            self.create(code)
            for code, region in self._regions.items()
            for _ in range(region.machines)
        ]
        await self.start_all(machines)

    async def start_all(self, machines: Iterable[Machine]) -> None:
        """Start these at the same time. Raises one StartError that tells of all that failed."""
        results = await asyncio.gather(*map(self.start, machines), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, SimError):
                raise failure
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise StartError("\n".join(str(failure) for failure in failures))

    async def start(self, machine: Machine) -> None:
        """Run the machine, and wait until its health check passes.

        Raises StartError, with its last log lines, when it cannot run, dies, or does not pass
        within a minute of real time; then it is down.
        """
        self._change(machine, Action.START)
        await self._run(machine)

    async def stop(self, machine: Machine) -> None:
        """SIGTERM, let it drain, and SIGKILL after the topology's kill_timeout."""
        self._change(machine, Action.STOP)
        await self._down(machine, _running(machine).stop(self._gateway.kill_timeout_s), "stopped")

    async def kill(self, machine: Machine) -> None:
        """SIGKILL: it is gone at once. Nothing happens to a machine that is not running."""
        if machine.id in self._watchers:
            await self._down(machine, _running(machine).kill(), "killed")

    async def freeze(self, machine: Machine) -> None:
        """SIGSTOP: it accepts connections and answers nothing. Its state stays as it is."""
        self._demand_started(machine, "freeze")
        await _running(machine).freeze()
        machine.frozen = True

    async def thaw(self, machine: Machine) -> None:
        """SIGCONT: a frozen machine goes on where it was."""
        self._demand_started(machine, "thaw")
        await _running(machine).thaw()
        machine.frozen = False

    async def restart(self, machine: Machine) -> None:
        """Stop it and run it again; it is `restarting` meanwhile. Raises StartError."""
        self._change(machine, Action.RESTART)
        stopping = _running(machine).stop(self._gateway.kill_timeout_s)
        await self._down(machine, stopping, "restarted")
        await self._run(machine)

    async def destroy(self, machine: Machine) -> None:
        """Remove it for good; a running one is killed first."""
        await self.kill(machine)
        self._change(machine, Action.DESTROY)
        self._health.unwatch(machine.id)
        self._change(machine, Action.DESTROYED)
        del self._machines[machine.id]
        self._specs.release(machine.spec)

    async def close(self) -> None:
        """End the world's machines, all at once, with the time to drain that a stop gives."""
        for restart in self._restarting:
            restart.cancel()
        await asyncio.gather(*self._restarting, return_exceptions=True)
        running = [m for m in self._machines.values() if m.id in self._watchers]
        for machine in running:
            if machine.frozen:
                await self.thaw(machine)  # else it could not even end
        await asyncio.gather(
            *(
                self._down(m, _running(m).stop(self._gateway.kill_timeout_s), "the world ended")
                for m in running
            )
        )

    # --- what nobody here asked for ----------------------------------------------------------

    def befell(self, machine_id: str, what: str, *, frozen: bool | None = None) -> None:
        """Journal what somebody else did to a machine that goes on running."""
        if machine := self._machines.get(machine_id):
            if frozen is not None:
                machine.frozen = frozen
            self._tell(machine, what)

    async def returned(self, machine_id: str, instance: Instance) -> None:
        """Somebody else has started a machine that had ended."""
        machine = self._machines.get(machine_id)
        if machine and machine.state in (State.STOPPED, State.FAILED):
            self._change(machine, Action.START, "started by somebody else")
            self._begin(machine, instance)

    def part_failed(self, part: str, reason: str) -> None:
        """Journal that something that machines depend on is gone."""
        self._journal.write(PartFailed(part, reason))

    def _restart_if_due(self, machine: Machine, end: Exit) -> None:
        """Start a machine that died by itself, as its policy says; not one that never came up."""
        policy = self._gateway.restart
        clean = end.code == 0
        tried = self._restarts.get(machine.id)
        if policy == "never" or (policy == "on-failure" and clean) or tried is None:
            return
        if tried < _MAX_RESTARTS:
            self._restarts[machine.id] = tried + 1
            task = asyncio.create_task(self._restart_after(machine, _FIRST_BACKOFF_S * 2**tried))
            self._restarting.add(task)
            task.add_done_callback(self._restarting.discard)

    async def _restart_after(self, machine: Machine, delay_s: float) -> None:
        await self._clock.sleep(delay_s)
        if machine.state is State.STOPPED and machine.id in self._machines:
            self._change(machine, Action.START, "its restart policy")
            try:
                await self._run(machine)
            except StartError:
                return  # journaled as its state; a person can start it

    # --- one run -----------------------------------------------------------------------------

    async def _run(self, machine: Machine) -> None:
        try:
            instance = await self._runtime.start(machine.spec)
        except StartError as error:
            self._change(machine, Action.START_FAILED, str(error))
            raise StartError(f"machine {machine.name} did not start: {error}") from error
        watcher = self._begin(machine, instance)
        await self._first_pass(machine, instance, watcher)
        self._restarts.setdefault(machine.id, 0)

    def _begin(self, machine: Machine, instance: Instance) -> asyncio.Task[None]:
        """A run has begun: watch for its end, and check its health."""
        machine.instance, machine.frozen = instance, False
        watcher = asyncio.create_task(self._watch(machine, instance))
        self._watchers[machine.id] = watcher
        self._change(machine, Action.READY)
        self._health.started(machine.id)
        return watcher

    async def _first_pass(
        self, machine: Machine, instance: Instance, watcher: asyncio.Task[None]
    ) -> None:
        passed = asyncio.ensure_future(self._health.passed(machine.id))
        try:
            async with self._clock.timeout(_START_TIMEOUT_REAL_S * self._clock.speed):
                await asyncio.wait({passed, watcher}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            finding = self._health.output(machine.id)
            tail = await instance.tail(_LOG_LINES)
            await self._down(machine, instance.kill(), "its health check never passed")
            problem = (
                f"did not pass its health check within {_START_TIMEOUT_REAL_S:g} s"
                f" (last result: {finding})"
            )
            raise StartError(_post_mortem(machine, problem, tail)) from None
        finally:
            passed.cancel()
        if watcher.done():
            end = await instance.exited()
            raise StartError(
                _post_mortem(machine, f"died at start: {end}", await instance.tail(_LOG_LINES))
            )

    async def _watch(self, machine: Machine, instance: Instance) -> None:
        """Journal the end of a run, whoever ended it."""
        end = await instance.exited()
        del self._watchers[machine.id]
        machine.frozen = False
        why = self._why_down.pop(machine.id, "died")
        if machine.state is not State.RESTARTING:
            self._change(machine, Action.EXITED, f"{why}: {end}")
            if why == "died":
                self._restart_if_due(machine, end)

    async def _down(self, machine: Machine, ending: Awaitable[object], why: str) -> None:
        """End a run, and wait until that is journaled."""
        watcher = self._watchers.get(machine.id)
        if watcher:
            self._why_down[machine.id] = why
        await ending
        if watcher:
            await asyncio.shield(watcher)

    def _demand_started(self, machine: Machine, verb: str) -> None:
        if machine.state is not State.STARTED:
            raise InputError(f"cannot {verb} {machine.name}: it is {machine.state}, not started")

    def _change(self, machine: Machine, action: Action, reason: str = "") -> None:
        machine.apply(action)
        self._tell(machine, reason)

    def _tell(self, machine: Machine, reason: str = "") -> None:
        self._journal.write(MachineChanged(machine.id, machine.region, str(machine.state), reason))


def _running(machine: Machine) -> Instance:
    if machine.instance is None:
        raise InputError(f"{machine.name} was never started")
    return machine.instance


def _post_mortem(machine: Machine, problem: str, tail: Sequence[str]) -> str:
    """A problem with the evidence: the machine's last words and where to read more."""
    words = [f"machine {machine.name} {problem}"]
    if tail:
        words += [f"its last {len(tail)} log lines ({machine.spec.log_path}):"]
        words += [f"  {line}" for line in tail]
    else:
        words += [f"it printed nothing ({machine.spec.log_path})"]
    return "\n".join(words)
