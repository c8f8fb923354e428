"""machine_down and region_out.

A machine is down when it is not running though it should (truth), or when its check fails
(belief); the reason says which. It is well again when it runs and its check passes. One that is
restarted, or has not passed since it was started, is neither: the fleet ends it if it never
passes. A region is out of routing when none of its
machines passes any more: that is what takes it out of DNS, also where DNS then fails open.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.alerts.board import Finding
from sim.observe.events import Event, HealthChanged, MachineChanged

_DOWN = frozenset({"stopped", "failed"})


class MachineWatch:
    """Finds machines that are down and regions without any that passes."""

    kinds = (MachineChanged, HealthChanged)

    def __init__(self) -> None:
        self._state: dict[str, str] = {}
        self._passing: dict[str, set[str]] = {}
        self._came_up: set[str] = set()

    def take(self, t: float, event: Event) -> Iterator[Finding]:
        """What an event shows."""
        del t
        if isinstance(event, MachineChanged):
            yield from self._changed(event)
        elif isinstance(event, HealthChanged):
            yield from self._believed(event)

    def _changed(self, event: MachineChanged) -> Iterator[Finding]:
        self._state[event.machine] = event.state
        who = f"machine {event.machine} of {event.region}"
        if event.state != "started":
            self._came_up.discard(event.machine)
        if event.state in _DOWN:
            why = f": {event.reason}" if event.reason else ""
            yield self._machine(event, f"{who} is {event.state}{why}", wrong=True)
        elif event.state == "destroyed":
            del self._state[event.machine]
            yield self._machine(event, f"{who} was destroyed", wrong=False)
            yield from self._passes(event.region, event.machine, passing=False)
        elif event.state == "started" and event.machine in self._passing.get(event.region, ()):
            yield self._machine(event, f"{who} runs and passes its check", wrong=False)

    def _believed(self, event: HealthChanged) -> Iterator[Finding]:
        passing = event.status == "passing"
        who = f"machine {event.machine} of {event.region}"
        state = self._state.get(event.machine, "started")
        if passing:
            self._came_up.add(event.machine)
        if event.status == "critical" and event.machine in self._came_up:
            reason = f"{who} is {state}, and its check fails: {event.output}"
            yield self._machine(event, reason, wrong=True)
        elif passing and state == "started":
            yield self._machine(event, f"{who} runs and passes its check", wrong=False)
        yield from self._passes(event.region, event.machine, passing=passing)

    def _passes(self, region: str, machine: str, *, passing: bool) -> Iterator[Finding]:
        passed = self._passing.setdefault(region, set())
        before = bool(passed)
        passed.add(machine) if passing else passed.discard(machine)
        if before and not passed:
            reason = f"no machine of {region} passes its check: it is out of routing"
            yield Finding("region_out", region, wrong=True, reason=reason, region=region)
        elif passed:
            reason = f"a machine of {region} passes its check: it is in routing"
            yield Finding("region_out", region, wrong=False, reason=reason, region=region)

    @staticmethod
    def _machine(event: MachineChanged | HealthChanged, reason: str, *, wrong: bool) -> Finding:
        return Finding("machine_down", event.machine, wrong, reason, event.region)
