"""The bands above the lanes: faults, what machines were, what was believed, where DNS led to.

A band is a name and its changes: [from what time, what]. Each holds until the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sim.observe.events import HealthChanged, LinkChanged, MachineChanged
from sim.observe.history import History, Timed
from sim.scenario.evidence import Evidence
from sim.scenario.lasting import Fault, ended_by, fault_of

MOST_CHANGES = 500  # of one band
MOST_FAULTS = 500
FINEST_NOISE_S = 0.5
NOISY = 0.1  # of a time

Changes = list[list[Any]]


def faults(history: History) -> list[Fault]:
    """Every fault with its end: its repair, or the end of the run."""
    found: list[Fault] = []
    for t, event in history.faults:
        found = [ended_by(earlier, t, event) for earlier in found]
        found.append(fault_of(t, event))
    return [replace(fault, until_s=history.end) if fault.lasts else fault for fault in found]


def bands(evidence: Evidence) -> dict[str, Any]:
    """Machines (what they were, what was believed), DNS by location, links, and faults."""
    history = evidence.history
    done = faults(history)
    names = _machine_names(history)
    truth = _changes(history, history.of(MachineChanged), "machine", "state")
    belief = _changes(history, history.of(HealthChanged), "machine", "status")
    return {
        "faults": [_fault(fault) for fault in done[:MOST_FAULTS]],
        "machines": [
            {
                "id": machine,
                "name": name,
                "region": region,
                "truth": _frozen(truth.get(machine, []), _freezes(done, machine, region)),
                "belief": belief.get(machine, []),
            }
            for machine, (name, region) in names.items()
        ],
        "dns": _dns(history, evidence),
        "links": _links(history),
        "noise": noise(history),
    }


def noise(history: History) -> list[list[Any]]:
    """When the host kept some part of the world waiting: [from, until, which most, seconds].

    A span is told where one part waited for a tenth of it.
    """
    cell_s = max(FINEST_NOISE_S, history.end / MOST_CHANGES)
    found: list[list[Any]] = []
    for k in range(math.ceil(history.end / cell_s)):
        start, end = k * cell_s, min((k + 1) * cell_s, history.end)
        part, waited_s = next(iter(history.noise.by_part(start, end).items()), ("", 0.0))
        if waited_s < NOISY * (end - start):
            continue
        if found and found[-1][1] == round(start, 2) and found[-1][2] == part:
            found[-1][1] = round(end, 2)
            found[-1][3] = round(found[-1][3] + waited_s, 3)
        else:
            found.append([round(start, 2), round(end, 2), part, round(waited_s, 3)])
    return found


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "at": round(fault.at_s, 2),
        "until": None if fault.until_s is None else round(fault.until_s, 2),
        "fault": fault.fault,
        "target": fault.target,
        "region": fault.region,
        "location": fault.location,
        "repair": fault.repair,
        "when": fault.when,
    }


def _machine_names(history: History) -> dict[str, tuple[str, str]]:
    """Machines by id, as scenarios call them (`fra/1`), with their regions."""
    found: dict[str, tuple[str, str]] = {}
    counts: dict[str, int] = {}
    for _, event in history.of(MachineChanged):
        if event.machine not in found:
            counts[event.region] = counts.get(event.region, 0) + 1
            found[event.machine] = (f"{event.region}/{counts[event.region]}", event.region)
    return dict(sorted(found.items(), key=lambda item: item[1][1]))


def _changes(
    history: History, events: Iterable[Timed[Any]], who: str, what: str
) -> dict[str, Changes]:
    found: dict[str, Changes] = {}
    for t, event in events:
        _add(history, found.setdefault(getattr(event, who), []), t, getattr(event, what))
    return found


def _add(history: History, changes: Changes, t: float, value: Any) -> None:
    """Note a change, with what was before the load in one at 0."""
    if t > history.end or len(changes) >= MOST_CHANGES:
        return
    at = round(max(0.0, t), 2)
    if changes and changes[-1][0] == at:
        changes[-1][1] = value
    elif not changes or changes[-1][1] != value:
        changes.append([at, value])


def _freezes(done: Sequence[Fault], machine: str, region: str) -> list[Fault]:
    return [
        fault
        for fault in done
        if fault.fault == "freeze"
        and (machine in fault.machines or (not fault.machines and fault.region == region))
    ]


def _frozen(truth: Changes, freezes: Sequence[Fault]) -> Changes:
    """What a machine was, with the times for which it stood still: Fly has no state for that."""
    for fault in freezes:
        start, end = fault.at_s, fault.until_s or fault.at_s
        before = [change for change in truth if change[0] < start]
        within = [change for change in truth if start <= change[0] < end]
        after = [change for change in truth if change[0] >= end]
        thawed = within[0] if within else [round(end, 2), before[-1][1] if before else "started"]
        truth = [*before, [round(start, 2), "frozen"], thawed, *within[1:], *after]
    return truth


def _dns(history: History, evidence: Evidence) -> list[dict[str, Any]]:
    """Which region DNS leads each location to first; "" for none."""
    found: dict[str, Changes] = {place: [] for place in evidence.topology.locations}
    for t, event in history.routing:
        if event.location in found:
            _add(history, found[event.location], t, event.regions[0] if event.regions else "")
    return [{"location": place, "changes": changes} for place, changes in found.items()]


def _links(history: History) -> list[dict[str, Any]]:
    """Each link's state and round trip in simulated milliseconds: [t, [state, rtt_ms]]."""
    found: dict[str, Changes] = {}
    for t, event in history.of(LinkChanged):
        _add(history, found.setdefault(event.link, []), t, [event.state, round(event.rtt_ms, 1)])
    return [
        {"from": link.partition(":")[0], "to": link.partition(":")[2], "changes": changes}
        for link, changes in found.items()
    ]
