"""A fault tied to what happens: to the n-th event of a kind, and a delay after it.

Which events there are, and by what one is told from another of its kind, follows from the event
types: whatever clients, machines, paths and releases write into the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sim.observe.events import (
    KINDS,
    EdgeConnection,
    Event,
    FaultBegan,
    MachineDied,
    TlsHandshakeFailed,
)
from sim.observe.journal import Journal, Record
from sim.topology.units import format_duration, parse_duration

_SOURCES = ("clients", "fleet", "paths", "releases")  # files of sim.observe.events
_SAID = {"reason", "error", "output", "close_reason", "address", "end"}  # prose, and no names
_TYPES = {"str": str, "int": int, "bool": bool}

EVENTS: Mapping[str, type[Event]] = {
    kind: cls
    for kind, cls in KINDS.items()
    if cls.__module__.rpartition(".")[2] in _SOURCES or cls in (FaultBegan, MachineDied)
    if cls not in (EdgeConnection, TlsHandshakeFailed)  # they know no client by its name
}


def told_by(event: str) -> Mapping[str, type]:
    """By which of its fields an event can be asked for, and what each is: text, number or flag."""
    of = {f.name: str(f.type).removesuffix(" | None") for f in fields(EVENTS[event])}
    if "client" in of:
        of["location"] = "str"  # a client's name begins with it
    return {name: _TYPES[kind] for name, kind in of.items() if kind in _TYPES and name not in _SAID}


@dataclass(frozen=True)
class Trigger:
    """The `nth` event of a kind in which these fields are so, and `after_s` behind it.

    It is counted from the load's start. A machine is `fra/1` or an id.
    """

    event: str
    which: Mapping[str, Any] = field(default_factory=dict)
    nth: int = 1
    after_s: float = 0.0

    def __str__(self) -> str:
        which = " ".join(
            str(value) if isinstance(value, str) else f"{key} {value}"
            for key, value in self.which.items()
        )
        number = f" number {self.nth}" if self.nth > 1 else ""
        later = f"{format_duration(self.after_s)} after " if self.after_s else ""
        return f"{later}{self.event}{number}" + (f" of {which}" if which else "")

    def written(self) -> dict[str, Any]:
        """As a timeline has it under `when`."""
        found: dict[str, Any] = {"event": self.event, **self.which}
        if self.nth > 1:
            found["nth"] = self.nth
        if self.after_s:
            found["after"] = format_duration(self.after_s)
        return found

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Trigger:
        """The trigger of what `written` gave."""
        which = {k: v for k, v in written.items() if k not in ("event", "nth", "after")}
        after_s = parse_duration(written.get("after", "0s"))
        return cls(written["event"], which, written.get("nth", 1), after_s)

    def is_of(self, event: Event, name_of: Callable[[str], str]) -> bool:
        """Whether that is such an event; `name_of` is how scenarios call a machine of that id."""
        if type(event) is not EVENTS[self.event]:
            return False
        return all(_is(event, key, value, name_of) for key, value in self.which.items())


def tied_to(detail: Mapping[str, Any]) -> str:
    """What a fault of the journal was tied to, in words, from its detail; "" for nothing."""
    return str(Trigger.read(detail["when"])) if "when" in detail else ""


def _is(event: Event, key: str, wanted: Any, name_of: Callable[[str], str]) -> bool:
    if key == "location" and not hasattr(event, key):
        return bool(getattr(event, "client").rpartition("/")[0] == wanted)  # noqa: B009 - no field
    found = getattr(event, key)
    return wanted == found or (key == "machine" and bool(found) and wanted == name_of(found))


class Awaited:
    """Watches a journal until a trigger's event has come; `end` it where nobody waits any more."""

    def __init__(self, trigger: Trigger, journal: Journal, name_of: Callable[[str], str]) -> None:
        self.trigger = trigger
        self.came = asyncio.Event()
        self._left = trigger.nth
        self._name_of = name_of
        self._journal = journal
        journal.subscribe(self)

    def __repr__(self) -> str:
        return f"<Awaited {self.trigger}, {'came' if self.came.is_set() else self._left}>"

    def __call__(self, record: Record) -> None:
        """Take in a record of the journal."""
        if not self.came.is_set() and self.trigger.is_of(record.event, self._name_of):
            self._left -= 1
            if not self._left:
                self.came.set()

    def end(self) -> None:
        """Watch no longer."""
        self._journal.unsubscribe(self)
