"""Which faults last: what ends what, the same for reports and for the live page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sim.observe.events import Event, FaultBegan, FaultFailed
from sim.scenario.faults import FAULTS
from sim.scenario.trigger import tied_to


@dataclass(frozen=True)
class Fault:
    """A fault, and until when it lasted: None for one that is over at once, else infinity."""

    at_s: float
    until_s: float | None
    fault: str
    target: str
    region: str | None
    location: str | None
    machines: Sequence[str]
    repair: bool
    when: str = ""  # what it was tied to, in words

    @property
    def lasts(self) -> bool:
        """Whether nothing has ended it yet."""
        return self.until_s == math.inf


def fault_of(t: float, event: FaultBegan) -> Fault:
    """A fault that begins."""
    effect = FAULTS[event.fault].effect_of(event.detail)
    kind = event.detail.get("kind")
    return Fault(
        at_s=t,
        until_s=math.inf if effect == "stands" else None,
        fault=event.fault,
        target=event.target,
        region=event.detail.get("region"),
        location=event.detail.get("location") or (event.target if kind == "location" else None),
        machines=tuple(event.detail.get("machines") or ()),
        repair=effect == "repairs",
        when=tied_to(event.detail),
    )


def ended_by(fault: Fault, t: float, event: FaultBegan) -> Fault:
    """The fault after a later one: with its end, if that one ends or replaces it."""
    if fault.lasts and (_ends(event, fault) or _replaces(event, fault)):
        return replace(fault, until_s=t)
    return fault


class Lasting:
    """The faults that last, from the events of faults as they come."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def take(self, t: float, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, FaultBegan):
            later = [ended_by(fault, t, event) for fault in self.faults]
            self.faults = [one for one in (*later, fault_of(t, event)) if one.lasts]
        elif isinstance(event, FaultFailed):
            what = (event.fault, event.target)
            self.faults = [one for one in self.faults if (one.fault, one.target) != what]


def _replaces(event: FaultBegan, earlier: Fault) -> bool:
    return event.fault == earlier.fault and event.target == earlier.target


def _ends(event: FaultBegan, earlier: Fault) -> bool:
    repairs = {event.fault} | FAULTS[event.fault].also(event.detail)
    if not repairs & FAULTS[earlier.fault].ended_by:
        return False
    kind = event.detail.get("kind")
    if kind == "everything" or event.target == earlier.target:
        return True
    return (kind == "region" and event.target == earlier.region) or (
        kind == "location" and event.target == earlier.location
    )
