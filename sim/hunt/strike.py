"""A strike: one fault, when it is done and for how long; a hunted timeline is a few of them.

Pure. A strike is due at a second of the load, or at an event that an undisturbed run had then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sim.scenario.trigger import Trigger
from sim.topology.units import format_duration

Entry = dict[str, Any]


@dataclass(frozen=True)
class Blow:
    """A fault as a timeline has it, without its time, and the repair that ends it, if any."""

    fault: Entry
    repair: Entry | None

    @property
    def name(self) -> str:
        """The fault's word."""
        return str(self.fault["fault"])

    @property
    def target(self) -> str:
        """What it is done to, in words."""
        found = next((self.fault[k] for k in _TARGETS if k in self.fault), "everything")
        return ":".join(found) if isinstance(found, list) else str(found)


@dataclass(frozen=True)
class Due:
    """When a strike is done: at `at_s`, or at a client's `nth` event, which came about then."""

    at_s: float
    event: str = ""
    client: str = ""
    nth: int = 1
    after_s: float = 0.0

    def entry(self, later_s: float = 0.0) -> Entry:
        """`at` or `when`, so much later."""
        if not self.event:
            return {"at": _duration(self.at_s + later_s)}
        after_s = round(self.after_s + later_s, 3)
        trigger = Trigger(self.event, {"client": self.client}, self.nth, after_s)
        return {"when": trigger.written()}


@dataclass(frozen=True)
class Strike:
    """A blow that is due then, and ended `hold_s` later."""

    blow: Blow
    due: Due
    hold_s: float = 0.0

    def entries(self) -> list[Entry]:
        """As a timeline has it."""
        found = [{**self.due.entry(), **self.blow.fault}]
        if self.blow.repair:
            found.append({**self.due.entry(self.hold_s), **self.blow.repair})
        return found

    @property
    def over_s(self) -> float:
        """About when it is over."""
        return self.due.at_s + self.due.after_s + (self.hold_s if self.blow.repair else 0.0)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Strike:
        """The strike of what `plain` gave."""
        return cls(Blow(**plain["blow"]), Due(**plain["due"]), plain["hold_s"])


@dataclass(frozen=True)
class Plan:
    """What is tried: strikes, in the order of their times, felt by so many clients."""

    strikes: tuple[Strike, ...] = field(default=())
    clients: int = 10

    def __str__(self) -> str:
        return (
            ", ".join(
                f"{strike.blow.name} {strike.blow.target}"
                + (
                    f" at {strike.due.event}"
                    if strike.due.event
                    else f" at {strike.due.at_s:.1f} s"
                )
                for strike in self.strikes
            )
            or "nothing"
        )

    @property
    def words(self) -> Sequence[str]:
        """The faults, in their order."""
        return [strike.blow.name for strike in self.strikes]


_TARGETS = ("region", "machine", "link", "location", "service")


def _duration(seconds: float) -> str:
    return format_duration(round(seconds, 3))
