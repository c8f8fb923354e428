"""The health checker: runs every machine's checks when they are due and journals its belief.

It believes only what a check has found: a machine that died is passing until its next check.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sim.clock import Clock
from sim.machines.health import CheckState, Result, Status, worst
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.probe import probe
from sim.observe.events import NO_ANSWER, HealthChanged
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

Probe = Callable[[Check, Endpoint, Clock], Awaitable[Result]]
OnChange = Callable[[Machine, Status], None]

# How soon a machine that just started is asked again. Real seconds, because what is waited for
# is a real program's start.
_QUICK_REAL_S = 0.05
# A topology without checks: as in Fly, a machine is used once its port accepts a connection.
_PORT_ACCEPTS = Check(type="tcp", interval_s=15.0, timeout_s=2.0, grace_period_s=1.0)
# In these states something may answer. Elsewhere a connection would be refused, so none is made.
_PROBED = (State.STARTED, State.STOPPING)
_SICKENED = Result(passed=False, output="sickened: the check is made to fail")


class _Run(NamedTuple):
    """One run of a check: its number, from 1 on, and when it began."""

    number: int
    began_s: float


@dataclass(eq=False)
class _Watched:
    """One check of one machine, with its timer. `newest` is the last run whose result counted.

    `found_s` is when that run began; before any it is long ago.
    """

    machine: Machine
    state: CheckState
    timer: asyncio.TimerHandle | None = None
    launched: int = 0
    newest: int = 0
    found_s: float = -math.inf

    def cancel(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None


@dataclass(eq=False)
class _Belief:
    """All checks of one machine and what they add up to."""

    machine: Machine
    checks: list[_Watched]
    status: Status = Status.CRITICAL
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    sickened: bool = False


class HealthChecker:
    """Watches machines. A machine's phase within its interval comes from the seed and its id."""

    def __init__(self, clock: Clock, rng: Rng, journal: Journal, probe: Probe = probe) -> None:
        self._clock = clock
        self._rng = rng
        self._journal = journal
        self._probe = probe
        self._beliefs: dict[str, _Belief] = {}
        self._runs: set[asyncio.Task[None]] = set()
        self._callbacks: list[OnChange] = []
        self._unseen: frozenset[str] = frozenset()
        self._origin = 0.0
        self._news = asyncio.Event()

    def __repr__(self) -> str:
        passing = sum(belief.status is Status.PASSING for belief in self._beliefs.values())
        return f"<HealthChecker {passing} of {len(self._beliefs)} machines passing>"

    def watch(self, machine: Machine, checks: Sequence[Check]) -> None:
        """Check this machine from its first start on (see `started`)."""
        self._beliefs[machine.id] = _Belief(machine, self._watched(machine, checks))

    def recheck(self, machine_id: str, checks: Sequence[Check]) -> None:
        """Check it by these from its next start on; until then it is believed to be down."""
        belief = self._beliefs[machine_id]
        if [watched.state.check for watched in belief.checks] == list(checks or (_PORT_ACCEPTS,)):
            return
        for watched in belief.checks:
            watched.cancel()
        belief.checks = self._watched(belief.machine, checks)
        self._settle(belief)

    def checks(self, machine_id: str) -> list[CheckState]:
        """What each of its checks found last. Raises KeyError for one that is not watched."""
        return [watched.state for watched in self._beliefs[machine_id].checks]

    def _watched(self, machine: Machine, checks: Sequence[Check]) -> list[_Watched]:
        phases = self._rng.fork(machine.id)
        quick_s = _QUICK_REAL_S * self._clock.speed
        watched = []
        for check in checks or (_PORT_ACCEPTS,):
            state = CheckState(check, phases.uniform(0.0, check.interval_s), quick_s)
            state.align(self._origin)
            watched.append(_Watched(machine, state))
        return watched

    def unwatch(self, machine_id: str) -> None:
        """Forget a machine; what its running checks find is dropped."""
        belief = self._beliefs.pop(machine_id, None)
        for watched in belief.checks if belief else ():
            watched.cancel()

    def started(self, machine_id: str) -> None:
        """The machine was started: what was believed is void, and quick checks begin at once."""
        belief = self._beliefs[machine_id]
        for watched in belief.checks:
            watched.newest = watched.launched  # what is under way asked the machine's earlier life
            watched.state.started(self._clock.now())
            watched.cancel()
            watched.timer = self._clock.call_later(0.0, self._tick, belief, watched)
        self._settle(belief)

    def align(self, instant: float) -> None:
        """From now on each check falls at instant + its phase + k * interval.

        So when a fault is detected depends on the seed, not on how long the start took.
        """
        self._origin = instant
        for belief in self._beliefs.values():
            for watched in belief.checks:
                watched.state.align(instant)
                if watched.timer:
                    self._schedule(belief, watched)

    def status(self, machine_id: str) -> Status:
        """What is believed of a machine. Raises KeyError for one that is not watched."""
        return self._beliefs[machine_id].status

    def serves(self, machine_id: str) -> bool:
        """Whether new traffic may be led to it: it passes, and is neither cordoned nor asleep."""
        belief = self._beliefs[machine_id]
        return belief.status is Status.PASSING and belief.machine.takes_traffic

    def output(self, machine_id: str) -> str:
        """What the check that decides about the machine found last."""
        return worst(watched.state for watched in self._beliefs[machine_id].checks).output

    def may_change_at(self, machine_id: str) -> float:
        """The earliest simulated instant at which a check may change what is believed of it.

        That is now while a run is under way, and never (infinity) before the first start.
        """
        now = self._clock.now()
        return min(
            (
                now
                if watched.newest < watched.launched and watched.state.decides
                else watched.state.may_change_at(now)
                for watched in self._beliefs[machine_id].checks
                if watched.timer
            ),
            default=math.inf,
        )

    def found_at(self, machine_id: str) -> float:
        """When the oldest run began that the belief rests on; long ago (-infinity) before any."""
        return min(watched.found_s for watched in self._beliefs[machine_id].checks)

    async def news(self) -> None:
        """Wait until the next check, of any machine, has found something."""
        await self._news.wait()

    async def passed(self, machine_id: str) -> None:
        """Wait until the machine is passing."""
        await self._beliefs[machine_id].passing.wait()

    def on_change(self, callback: OnChange) -> None:
        """Call `callback(machine, status)` at each change, after it was journaled."""
        self._callbacks.append(callback)

    def sicken(self, machine_id: str) -> None:
        """Make the machine's checks fail, from the next that is due. Its traffic is unaffected."""
        self._beliefs[machine_id].sickened = True

    def cure(self, machine_id: str) -> None:
        """Let the machine's checks find again what is so."""
        self._beliefs[machine_id].sickened = False

    def blind(self, region: str) -> None:
        """Lose sight of a region: checks of its machines, new ones too, get no answer in time."""
        self._unseen |= {region}

    def unblind(self, region: str) -> None:
        """See a region again."""
        self._unseen -= {region}

    async def stop(self) -> None:
        """End all checking; beliefs stay readable."""
        for belief in self._beliefs.values():
            for watched in belief.checks:
                watched.cancel()
        runs = list(self._runs)
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    def _schedule(self, belief: _Belief, watched: _Watched) -> None:
        watched.cancel()
        now = self._clock.now()
        delay = watched.state.next_due(now) - now
        watched.timer = self._clock.call_later(delay, self._tick, belief, watched)

    def _tick(self, belief: _Belief, watched: _Watched) -> None:
        """A check is due. Its run is a task of its own, so a slow one delays no later one."""
        self._schedule(belief, watched)
        watched.launched += 1
        this = _Run(watched.launched, self._clock.now())
        machine = belief.machine
        if belief.sickened:
            self._take_in(belief, watched, this, _SICKENED)
        elif machine.state not in _PROBED:
            refused = Result(passed=False, output=f"refused: the machine is {machine.state}")
            self._take_in(belief, watched, this, refused)
        else:
            run = asyncio.create_task(self._run(belief, watched, this))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)

    async def _run(self, belief: _Belief, watched: _Watched, this: _Run) -> None:
        check = watched.state.check
        if belief.machine.region in self._unseen:
            # Nothing comes back from there, not even a refusal: the whole timeout is waited for.
            await self._clock.sleep(check.timeout_s)
            result = Result(passed=False, output=f"{NO_ANSWER} {check.timeout_s:g} s")
        else:
            result = await self._probe(check, belief.machine.endpoint, self._clock)
        self._take_in(belief, watched, this, result)

    def _take_in(self, belief: _Belief, watched: _Watched, this: _Run, result: Result) -> None:
        gone = self._beliefs.get(belief.machine.id) is not belief or watched not in belief.checks
        if gone or this.number <= watched.newest:
            return  # nobody watches any more, or a later run has answered already
        watched.newest, watched.found_s = this
        was_quick = watched.state.status is not Status.PASSING
        watched.state.observe(self._clock.now(), result)
        if was_quick and watched.state.status is Status.PASSING and watched.timer:
            self._schedule(belief, watched)  # back from quick checks to the ordinary times
        self._settle(belief)
        self._news.set()
        self._news = asyncio.Event()

    def _settle(self, belief: _Belief) -> None:
        """Make what the checks say the belief about the machine, and tell if that changed."""
        decisive = worst(watched.state for watched in belief.checks)
        if decisive.status is belief.status:
            return
        belief.status = decisive.status
        if belief.status is Status.PASSING:
            belief.passing.set()
        else:
            belief.passing.clear()
        machine = belief.machine
        self._journal.write(
            HealthChanged(machine.id, machine.region, str(decisive.status), decisive.output)
        )
        for tell in self._callbacks:
            tell(machine, belief.status)
