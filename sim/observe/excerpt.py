"""A part of a world's journal as the journal of a run of its own (pure).

A world that stays up sees scenarios, tests and loads come and go. Each is judged from the part of
the journal that is about it, by the same rules as a run that had a world to itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from sim.observe.events import (
    CordonChanged,
    EdgeConnection,
    Event,
    FaultBegan,
    FaultFailed,
    HealthChanged,
    LinkChanged,
    MachineChanged,
    MachineUpdated,
    PartFailed,
    PartRestarted,
    RoutingChanged,
    RunStarted,
)
from sim.observe.journal import Record, Records

# How the world is, whoever made it so.
_STATE = (
    RunStarted,
    MachineChanged,
    MachineUpdated,
    CordonChanged,
    HealthChanged,
    RoutingChanged,
    LinkChanged,
)
_FAULTS = (FaultBegan, FaultFailed)


def excerpt(
    records: Sequence[Record],
    begin: int,
    *,
    end: int | None = None,
    faults_from: int | None = None,
    clients: Collection[str] | None = None,
    scenario: Mapping[str, Any] | None = None,
) -> Records:
    """The records from index `begin` to before `end`, after those that say how the world was.

    A part of ours that had failed before and works again does not concern it. `faults_from` is the
    index from which faults belong to it, where that is before `begin`. `clients`: what other
    clients did is left out. `scenario` takes the place of what the world itself was run with.
    """
    faults_from = begin if faults_from is None else faults_from
    failed = _broken_parts(islice(records, begin))
    found = Records()
    for index, (t, event) in enumerate(islice(records, end)):
        if isinstance(event, _FAULTS):
            belongs = index >= faults_from
        elif index < begin:
            belongs = isinstance(event, _STATE) or index in failed
        else:
            belongs = clients is None or _concerns(event, clients)
        if belongs:
            run = scenario is not None and isinstance(event, RunStarted)
            found.append(Record(t, replace(event, scenario=scenario) if run else event))  # type: ignore[call-arg]
    return found


def _broken_parts(records: Iterable[Record]) -> frozenset[int]:
    """The failures, by index, after which nothing says that the part works again."""
    last: dict[str, int] = {}
    for index, (_, event) in enumerate(records):
        if isinstance(event, PartFailed):
            last[event.part] = index
        elif isinstance(event, PartRestarted):
            last.pop(event.part, None)
    return frozenset(last.values())


def _concerns(event: Event, clients: Collection[str]) -> bool:
    if isinstance(event, EdgeConnection):
        return True  # an edge knows a connection by its address, and whose it is nobody can tell
    client = getattr(event, "client", None)
    return not client or client in clients
