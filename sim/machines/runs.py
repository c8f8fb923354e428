"""The runs of machines: from the runtime's start until an end, whoever brought it about."""

from __future__ import annotations

import asyncio
import signal as signals
from collections.abc import Awaitable, Callable, Sequence

from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.machines.checker import HealthChecker
from sim.machines.health import worst
from sim.machines.lifecycle import Action, IllegalTransitionError, State
from sim.machines.machine import Machine
from sim.machines.obstacle import obstacle
from sim.machines.restarts import WINDOW_S, restart_after_s
from sim.machines.runtime import Instance, Runtime
from sim.machines.specs import SpecBuilder
from sim.machines.state_recorder import StateRecorder
from sim.machines.stopping import StopOrder, stop
from sim.processes.exit import Exit
from sim.processes.listening import listeners

# Real seconds that a machine has until its first passing check: how fast a real program starts
# does not depend on the simulation's speed.
START_TIMEOUT_REAL_S = 60.0
_LOG_LINES = 20
# What programs end on, whatever they do before; of other signals only one that killed it counts.
_ENDING_SIGNALS = (signals.SIGTERM, signals.SIGINT, signals.SIGQUIT, signals.SIGKILL)
# The end of a run in these states is a part of what was asked for; the next run follows.
_BETWEEN_RUNS = (State.RESTARTING, State.UPDATING)


class Runs:
    """Starts, watches and ends the runs of a fleet's machines."""

    def __init__(
        self,
        runtime: Runtime,
        specs: SpecBuilder,
        health: HealthChecker,
        clock: Clock,
        recorder: StateRecorder,
        over: Callable[[Machine], None],
    ) -> None:
        self._over = over  # told of a machine that has ended and is not started again by itself
        self._runtime = runtime
        self._specs = specs
        self._health = health
        self._clock = clock
        self._recorder = recorder
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._why_down: dict[str, str] = {}
        self._signalled: dict[str, int] = {}
        # When a machine's policy has started it again; none for one that never came up.
        self._restarted_s: dict[str, list[float]] = {}
        self._restarting: dict[str, asyncio.Task[None]] = {}

    def up(self, machine: Machine) -> bool:
        """Whether it has a run that has not ended."""
        return machine.id in self._watchers

    async def run(self, machine: Machine) -> None:
        """Run it with its config and today's secrets, and wait until its check passes."""
        await self.launch(machine)
        await self.first_pass(machine)
        self.proven(machine)

    async def launch(self, machine: Machine) -> None:
        """Run it with its config and today's secrets. Raises StartError where that fails."""
        machine.spec = self._specs.renewed(machine.spec, machine.config)
        machine.secrets_version = self._specs.secrets.version
        try:
            instance = await self._runtime.start(machine.spec)
        except StartError as error:
            self._recorder.change(machine, Action.START_FAILED, str(error))
            raise StartError(f"machine {machine.name} did not start: {error}") from error
        self._recorder.booted(machine)
        self.begin(machine, instance)

    def begin(self, machine: Machine, instance: Instance) -> None:
        """A run has begun: watch for its end, and check its health."""
        machine.instance, machine.frozen, machine.cut_off = instance, False, False
        self._signalled.pop(machine.id, None)
        self._watchers[machine.id] = asyncio.create_task(self._watch(machine, instance))
        self._recorder.change(machine, Action.READY)
        self._health.started(machine.id)

    async def first_pass(self, machine: Machine) -> None:
        """Wait until the machine passes its check. Raises StartError, with its last words."""
        watcher, instance = self._watchers.get(machine.id), running(machine)
        passed = asyncio.ensure_future(self._health.passed(machine.id))
        try:
            async with self._clock.timeout(START_TIMEOUT_REAL_S * self._clock.speed):
                waited = {passed, watcher} if watcher else {passed}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            found = self.obstacle(machine)
            tail = await instance.tail(_LOG_LINES)
            await self.end(machine, instance.kill(), "its health check never passed")
            problem = f"did not pass the health check within {START_TIMEOUT_REAL_S:g} s\n{found}"
            raise StartError(post_mortem(machine, problem, tail)) from None
        finally:
            passed.cancel()
        if watcher is None or watcher.done():
            end = await instance.exited()
            raise StartError(
                post_mortem(machine, f"died at start: {end}", await instance.tail(_LOG_LINES))
            )

    def obstacle(self, machine: Machine) -> str:
        """What its check asked and found last, and where it listens instead."""
        pid, spec = running(machine).host_pid, machine.spec
        port = self._runtime.port_inside(spec)
        state = worst(self._health.checks(machine.id))
        return obstacle(state, spec.endpoint, port, listeners(pid) if pid else ())

    async def end(self, machine: Machine, ending: Awaitable[object], why: str) -> None:
        """End a run, and wait until that is journaled."""
        watcher = self._watchers.get(machine.id)
        if watcher:
            self._why_down[machine.id] = why
        await ending
        if watcher:
            await asyncio.shield(watcher)

    async def stop(self, machine: Machine, order: StopOrder, why: str) -> None:
        """Ask a run to end, kill it where it does not in time, and journal how it took that."""
        await self.end(machine, self._stop(machine, order, why), why)

    async def _stop(self, machine: Machine, order: StopOrder, why: str) -> None:
        frozen = machine.frozen
        stopped = await stop(running(machine), order, self._clock)
        self._recorder.stopped(machine, stopped, why, frozen=frozen)

    def signalled(self, machine: Machine, number: int) -> None:
        """Somebody sends its run a signal: an end that may follow from it is no death."""
        self._signalled[machine.id] = number

    def proven(self, machine: Machine) -> None:
        """It came up once: from now on its restart policy counts."""
        self._restarted_s.setdefault(machine.id, [])

    def unproven(self, machine: Machine) -> None:
        """It is another program now: its policy does not count until it came up once."""
        self._restarted_s.pop(machine.id, None)

    async def close(self) -> None:
        """Start nothing any more."""
        for restart in self._restarting.values():
            restart.cancel()
        await asyncio.gather(*self._restarting.values(), return_exceptions=True)
        self._runtime.ending()

    async def _watch(self, machine: Machine, instance: Instance) -> None:
        """Journal the end of a run, whoever ended it."""
        end = await instance.exited()
        del self._watchers[machine.id]
        machine.frozen = machine.cut_off = False
        why = self._why_down.pop(machine.id, None)
        if machine.state in _BETWEEN_RUNS:
            return
        tried = self._tried(machine)
        # One that never came up since it was asked for is whoever's who asked: they are told.
        if why is None and tried is not None and not self._asked_to_end(machine, end):
            self._recorder.died(machine, end, await instance.tail(_LOG_LINES))
        self._recorder.change(
            machine,
            Action.EXITED,
            f"{why or 'died'}: {end}",
            end=end,
            asked=why is not None,
            restarts=tried or 0,
        )
        # A machine that never came up would not do so the next time.
        if why is None and tried is not None:
            after_s = restart_after_s(machine.config, end, tried)
            if after_s is not None:
                self._restarted_s[machine.id].append(self._clock.now() + after_s)
                self._restarting[machine.id] = asyncio.create_task(self._restart(machine, after_s))
                return
        self._over(machine)

    def _tried(self, machine: Machine) -> int | None:
        """How often its policy has started it lately; None for one that never came up."""
        restarted_s = self._restarted_s.get(machine.id)
        if restarted_s is None:
            return None
        since_s = self._clock.now() - WINDOW_S
        restarted_s[:] = [at_s for at_s in restarted_s if at_s > since_s]
        return len(restarted_s)

    def _asked_to_end(self, machine: Machine, end: Exit) -> bool:
        """Whether a signal that somebody sent may have ended it."""
        sent = self._signalled.get(machine.id)
        return sent is not None and (sent in _ENDING_SIGNALS or sent == end.signal)

    async def _restart(self, machine: Machine, after_s: float) -> None:
        await self._clock.sleep(after_s)
        if machine.state is State.STOPPED:
            self._recorder.change(machine, Action.START, "its restart policy", source="flyd")
            try:
                await self.launch(machine)
            except StartError:
                return  # journaled as its state; a person can start it


def running(machine: Machine) -> Instance:
    """The machine's last run. Raises InputError where there was none."""
    if machine.instance is None:
        raise InputError(f"{machine.name} was never started")
    return machine.instance


def started(machine: Machine, verb: str) -> Instance:
    """The run of a machine that is started, to `verb` it; else raises IllegalTransitionError."""
    if machine.state is not State.STARTED:
        raise IllegalTransitionError(
            f"cannot {verb} {machine.name}: it is {machine.state}, not started"
        )
    return running(machine)


def post_mortem(machine: Machine, problem: str, tail: Sequence[str]) -> str:
    """A problem with the evidence, the machine's last words: its log ends with its world."""
    words = [f"machine {machine.name} {problem}"]
    if tail:
        words += [f"its last {len(tail)} log lines:" if len(tail) > 1 else "its only log line:"]
        words += [f"  {line}" for line in tail]
    else:
        words += ["it printed nothing"]
    return "\n".join(words)
