"""The alerts machine_down and region_out.

A machine is down when it is not running though it should (truth), or when its check fails
(belief); the reason says which. It is well again when it runs and its check passes. One that is
restarted, or has not passed since it was started, is neither: the fleet ends it if it never
passes. One that was cordoned first and then stopped or suspended sleeps: it is not missed.

A region is out of routing when it has no machine any more that traffic may be led to: one that
passes and, where DNS leads, is not cordoned. That is what takes it out of DNS, also where DNS then
fails open. With anycast requests wake a machine that sleeps, so its region is not out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.alerts.board import Condition
from sim.observe.events import (
    CordonChanged,
    Event,
    HealthChanged,
    MachineChanged,
    MachineDied,
)
from sim.topology.model import Topology

_DOWN = frozenset({"stopped", "failed"})
_ON_THE_WAY_DOWN = frozenset({"stopping", "suspending"})


@dataclass(eq=False)
class _Machine:
    """What is known of a machine. `came_up`: it has passed since it was started.

    `error_line` is what its output says of why, where it died by itself.
    """

    region: str
    state: str = "started"
    passing: bool = False
    came_up: bool = False
    cordoned: bool = False
    asleep: bool = False
    error_line: str = ""


class MachineWatch:
    """Finds machines that are down and regions without any that may serve."""

    kinds = (MachineDied, MachineChanged, HealthChanged, CordonChanged)

    def __init__(self, topology: Topology) -> None:
        self._dns_leads = topology.routing.mode == "geodns"
        self._machines: dict[str, _Machine] = {}
        self._in_routing: set[str] = set()

    def take(self, t: float, event: Event) -> Iterator[Condition]:
        """What an event shows."""
        del t
        assert isinstance(event, MachineDied | MachineChanged | HealthChanged | CordonChanged)  # noqa: S101 - its kinds
        machine = self._machines.setdefault(event.machine, _Machine(event.region))
        if isinstance(event, MachineDied):
            machine.error_line = event.error_line
            return  # that it is stopped follows
        if isinstance(event, MachineChanged):
            yield from self._changed(machine, event)
        elif isinstance(event, HealthChanged):
            yield from self._believed(machine, event)
        else:
            machine.cordoned = event.cordoned
        yield from self._region(event.region)

    def _changed(self, machine: _Machine, event: MachineChanged) -> Iterator[Condition]:
        before, machine.state = machine.state, event.state
        who = f"machine {event.machine} of {event.region}"
        if event.state != "started":
            machine.came_up = False
        if event.state in _ON_THE_WAY_DOWN:
            machine.asleep = machine.cordoned
        elif event.state in _DOWN and not (machine.asleep and before in _ON_THE_WAY_DOWN):
            machine.asleep = False  # it died, or did not wake
            why = f": {event.reason}" if event.reason else ""
            why += f" (it said: {machine.error_line})" if machine.error_line else ""
            machine.error_line = ""
            yield self._machine(event, f"{who} is {event.state}{why}", wrong=True)
        elif event.state == "destroyed":
            del self._machines[event.machine]
            yield self._machine(event, f"{who} was destroyed", wrong=False)
        elif event.state == "started" and machine.passing:
            yield self._machine(event, f"{who} runs and passes its check", wrong=False)

    def _believed(self, machine: _Machine, event: HealthChanged) -> Iterator[Condition]:
        machine.passing = event.status == "passing"
        who = f"machine {event.machine} of {event.region}"
        if event.status == "critical" and machine.came_up:
            reason = f"{who} is {machine.state}, and its check fails: {event.output}"
            yield self._machine(event, reason, wrong=True)
        elif machine.passing and machine.state == "started":
            machine.came_up, machine.asleep = True, False
            yield self._machine(event, f"{who} runs and passes its check", wrong=False)

    def _region(self, region: str) -> Iterator[Condition]:
        serves = any(self._serves(m) for m in self._machines.values() if m.region == region)
        if serves:
            self._in_routing.add(region)
            reason = f"a machine of {region} may serve: it is in routing"
            yield Condition("region_out", region, wrong=False, reason=reason, region=region)
        elif region in self._in_routing:
            self._in_routing.discard(region)
            reason = f"no machine of {region} passes its check: it is out of routing"
            if any(m.passing for m in self._machines.values() if m.region == region):
                reason = f"every machine of {region} that passes is cordoned: it is out of routing"
            yield Condition("region_out", region, wrong=True, reason=reason, region=region)

    def _serves(self, machine: _Machine) -> bool:
        if self._dns_leads:
            return machine.passing and not machine.cordoned
        return machine.passing or machine.asleep

    @staticmethod
    def _machine(event: MachineChanged | HealthChanged, reason: str, *, wrong: bool) -> Condition:
        return Condition("machine_down", event.machine, wrong, reason, event.region)
