"""Every alert's rule together: events in, alerts out, once for each change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from sim.alerts.board import Board, Condition, FiringAlert
from sim.alerts.machine_alerts import MachineWatch
from sim.alerts.outage_alerts import OutageWatch
from sim.alerts.residency_alerts import ResidencyWatch
from sim.alerts.service_alerts import ServiceWatch
from sim.observe.events import Alert, Event
from sim.observe.journal import Record
from sim.topology.model import Topology


class Watch(Protocol):
    """One rule. `kinds` are the events that it takes."""

    @property
    def kinds(self) -> tuple[type[Event], ...]:
        """The events that it takes."""

    def take(self, t: float, event: Event) -> Iterator[Condition]:
        """What an event shows."""


class AlertRules:
    """What somebody on call would be told of a world, from its events in their order."""

    def __init__(self, topology: Topology, speed: float) -> None:
        self._board = Board()
        self._outages = OutageWatch(topology, speed)
        watches: tuple[Watch, ...] = (
            MachineWatch(topology),
            ServiceWatch(topology),
            ResidencyWatch(topology, speed),
            self._outages,
        )
        self._by_kind: dict[type[Event], list[Watch]] = {}
        for watch in watches:
            for kind in watch.kinds:
                self._by_kind.setdefault(kind, []).append(watch)

    def __repr__(self) -> str:
        return f"<AlertRules {self._board!r}>"

    @property
    def standing(self) -> Mapping[tuple[str, str], FiringAlert]:
        """The alerts that stand, by name and subject, the oldest first."""
        return self._board.standing

    @property
    def due(self) -> float:
        """The earliest instant at which silence alone may be an alert; infinity: never."""
        return self._outages.due

    def take(self, record: Record) -> list[Alert]:
        """The alerts that an event begins or ends."""
        t, event = record
        alerts: list[Alert] = []
        for watch in self._by_kind.get(type(event), ()):
            alerts += self._changes(t, watch.take(t, event))
        return alerts

    def overdue(self, t: float) -> list[Alert]:
        """The alerts that silence up to an instant begins."""
        return self._changes(t, self._outages.overdue(t))

    def _changes(self, t: float, findings: Iterable[Condition]) -> list[Alert]:
        return [alert for finding in findings if (alert := self._board.note(t, finding))]
