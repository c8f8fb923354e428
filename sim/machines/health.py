"""What one health check makes of a machine: when it is due, and what its results mean. Pure.

Fly's service checks have no thresholds: one failing run makes a machine critical, one passing run
makes it passing again. Load balancers and DNS services mostly want several in a row (HAProxy's
`fall` and `rise`); a check that says so is judged like that. Failures within the grace period after
a start do not count. From a start
until the first pass, or until two intervals are over, the check runs at a much shorter interval.
Otherwise a check is due at origin + phase + k * interval, whenever the machine was started.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sim.topology.model import Check

_QUICK_INTERVALS = 2
# A due time this close has been served: timers are not exact, and sums of floats neither.
_EPSILON_S = 1e-6


class Status(StrEnum):
    """What is believed of a machine. Only a passing one is given traffic.

    `warning` is a machine that was just started, has not passed yet, and is still in its grace.
    """

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


_SEVERITY = (Status.PASSING, Status.WARNING, Status.CRITICAL)


@dataclass(frozen=True)
class Result:
    """What one run of a check found."""

    passed: bool
    output: str


class CheckState:
    """One check of one machine. Times are simulated seconds on one clock.

    `changed_s` is when its status became what it is.
    """

    def __init__(self, check: Check, phase_s: float, quick_s: float) -> None:
        self.check = check
        self.status = Status.CRITICAL
        self.output = "not started yet"
        self.changed_s = 0.0
        self._phase_s = phase_s
        self._quick_s = min(quick_s, check.interval_s)
        self._origin = 0.0
        self._grace_until = -math.inf
        self._quick_until = -math.inf
        self._in_a_row = 0  # results that speak against its status, the last ones

    def __repr__(self) -> str:
        return f"<CheckState {self.check.type} {self.status}: {self.output}>"

    def started(self, now: float) -> None:
        """The machine was started: nothing is known of it, and its grace period begins."""
        self._grace_until = now + self.check.grace_period_s
        self._quick_until = now + _QUICK_INTERVALS * self.check.interval_s
        self._become(now, Status.WARNING)
        self.output = "started, no check has passed yet"

    def align(self, instant: float) -> None:
        """From now on the check is due at instant + phase + k * interval."""
        self._origin = instant

    def next_due(self, now: float) -> float:
        """The first due time after now."""
        first, interval = self._origin + self._phase_s, self.check.interval_s
        due = first
        if now > first - _EPSILON_S:
            due = first + (math.floor((now - first + _EPSILON_S) / interval) + 1) * interval
        return min(due, now + self._quick_s) if now < self._quick_until else due

    def may_change_at(self, now: float) -> float:
        """The earliest instant at which a run that has not begun may change the status."""
        apart_s = self._quick_s if now < self._quick_until else self.check.interval_s
        return self.next_due(now) + (self._wanting - 1) * apart_s

    @property
    def decides(self) -> bool:
        """Whether the next result may change the status."""
        return self._wanting == 1

    def observe(self, now: float, result: Result) -> None:
        """Take in what a run found; failures within the grace do not count."""
        self.output = result.output
        if result.passed == (self.status is Status.PASSING):
            self._in_a_row = 0
            if not result.passed and now >= self._grace_until:
                self._become(now, Status.CRITICAL)  # a warning whose grace is over
            return
        self._in_a_row += 1
        if self._wanting:
            return
        self._become(now, Status.PASSING if result.passed else Status.CRITICAL)
        if result.passed:
            self._quick_until = self._grace_until = -math.inf

    @property
    def _wanting(self) -> int:
        """How many results in a row are wanting still for another status."""
        passing = self.status is Status.PASSING
        wanted = self.check.unhealthy_after if passing else self.check.healthy_after
        return wanted - self._in_a_row

    def _become(self, now: float, status: Status) -> None:
        self._in_a_row = 0
        if status is not self.status:
            self.status, self.changed_s = status, now


def worst(states: Iterable[CheckState]) -> CheckState:
    """The check that decides about the machine: the first of those with the worst status."""
    return max(states, key=lambda state: _SEVERITY.index(state.status))
