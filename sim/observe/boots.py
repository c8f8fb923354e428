"""When machines were booting, which takes a processor's time: real, at any speed. Pure.

A program that loads for half a second does so at `--speed 10` too, where that is five simulated
ones. How much of a boot was computing nobody has measured; at most all of it was, and in life it
would have taken the speed-th part.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sim.observe.events import HealthChanged, MachineChanged, MachineStopped
from sim.observe.events.event import Event

_BEGINS = frozenset({"starting", "restarting", "updating"})
_ENDS = frozenset({"stopped", "failed", "destroyed"})


class Boots:
    """The boots of machines, each from its process's start until a health check first passed.

    Where no check ever told of a machine it is until the machine was started.
    """

    kinds: tuple[type[Event], ...] = (MachineChanged, MachineStopped, HealthChanged)

    def __init__(self, speed: float, told: Iterable[tuple[float, Event]] = ()) -> None:
        self._share = 1 - 1 / speed
        self._boots: dict[str, list[_Boot]] = defaultdict(list)  # by machine
        self._checked: set[str] = set()
        for t, event in told:
            self.take(t, event)

    def __repr__(self) -> str:
        return f"<Boots of {len(self._boots)} machines>"

    def take(self, t: float, event: Event) -> None:
        """Learn of a machine's state, or of a check."""
        match event:
            case MachineChanged(state=state) if state in _BEGINS:
                self._boots[event.machine].append(_Boot(event.region, t))
            case MachineStopped():  # to be another version: only now it boots
                for boot in self._under_way(event.machine):
                    boot.from_s = t
            case MachineChanged(state="started"):
                for boot in self._under_way(event.machine):
                    boot.started_s = t
            case MachineChanged(state=state) if state in _ENDS:
                self._end(t, event.machine)
            case HealthChanged():
                self._checked.add(event.machine)
                if event.status == "passing":
                    self._end(t, event.machine)

    def late_s(self, regions: Collection[str], from_s: float, to_s: float) -> float:
        """By how much boots in these regions may have taken longer than in life, within a time."""
        spans = [
            (boot.from_s, boot.to_s if machine in self._checked else boot.started_s)
            for machine, boots in self._boots.items()
            for boot in boots
            if boot.region in regions
        ]
        late_s, reached_s = 0.0, from_s
        for since_s, until_s in sorted(spans):
            late_s += max(0.0, min(until_s, to_s) - max(since_s, reached_s))
            reached_s = max(reached_s, until_s)
        return late_s * self._share

    def _under_way(self, machine: str) -> list[_Boot]:
        return [boot for boot in self._boots[machine][-1:] if math.isinf(boot.to_s)]

    def _end(self, t: float, machine: str) -> None:
        for boot in self._under_way(machine):
            boot.to_s, boot.started_s = t, min(boot.started_s, t)


@dataclass
class _Boot:
    region: str
    from_s: float
    started_s: float = math.inf
    to_s: float = math.inf
