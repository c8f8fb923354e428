"""The faults of a session as the text of a scenario file, from its journal alone.

Commands on machines that scenarios have as faults are among them. What could not be done, and what
no scenario can do, is left out, and said so in a comment. Machines are named as scenarios do
(`fra/1`), since their ids are another world's. Times keep their distances; they count from the
world's start, or such that the first fault comes once the load's clients are there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from sim.errors import InputError
from sim.observe.events import (
    CordonChanged,
    DeployBegan,
    DeployEnded,
    FaultBegan,
    FaultFailed,
    MachineChanged,
)
from sim.observe.journal import Record
from sim.scenario.faults import FAULTS
from sim.topology.model import Topology
from sim.topology.units import format_duration

Since = Literal["first_fault", "start"]

_LEAD_S = 10.0  # until the first fault: a load's clients are served by then
_AFTER_S = 30.0  # after the last one, beside what a check and DNS take


@dataclass(frozen=True)
class _Done:
    """A fault of the session, or one that could not be done and why."""

    t: float
    event: FaultBegan
    failure: str | None = None


def scenario_text(
    records: Sequence[Record], topology: Topology, file: str, since: Since = "first_fault"
) -> str:
    """A scenario whose `topology:` is `file`. Raises InputError where no fault was done."""
    names = _machine_names(records)
    lines, left_out = [], [f"# Left out: {what}: no fault does that\n" for what in _others(records)]
    done = _faults(records)
    kept = [one for one in done if one.failure is None]
    if not kept:
        raise InputError("no fault was done in this session, so there is nothing to save")
    origin = kept[0].t - _LEAD_S if since == "first_fault" else 0.0
    scaled = any(one.event.fault == "scale" for one in kept)
    at_s = 0.0
    for one in done:
        entry = _entry(one.event, names)
        why = one.failure or _missing(entry, topology, scaled=scaled)
        if why:
            what = f"{one.event.fault} {one.event.target} at {one.t:.1f} s"
            left_out.append(f"# Left out: {what}: {' '.join(why.split())}\n")
            continue
        at_s = round(one.t - origin, 3)
        when = one.event.detail.get("when")
        due = {"when": when} if when else {"at": format_duration(at_s)}
        lines.append(f"  - {_flow({**due, **entry})}\n")
    if not lines:
        raise InputError("no fault of this session can be done again by a scenario")
    head = {"name": f"session of {topology.app}", "topology": file}
    about = (
        f"# The faults of a session of {topology.app}. Say in `load` what its clients do, and\n"
        "# in `expect` what must hold, such as:\n"
        f"#   - {{check: outage, location: {next(iter(topology.locations))}, max: 60s}}\n"
    )
    load = f"load: {{driver: {_driver(topology)}, clients: 10, every: 1s}}\n"
    end = f"duration: {format_duration(_duration_s(at_s, topology))}\nexpect: []\n"
    named = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return "".join((about, *left_out, named, load, "timeline:\n", *lines, end))


def file_from(topology: Topology, folder: str | None) -> str:
    """The topology's file as a scenario in that folder names it, or one beside it (None)."""
    path = (topology.path or Path("topology.yaml")).resolve()
    return path.name if folder is None else os.path.relpath(path, folder)


def _faults(records: Sequence[Record]) -> list[_Done]:
    """The faults in order; a failure is that of the last one of its kind."""
    found: list[_Done] = []
    for t, event in records:
        if isinstance(event, FaultBegan):
            found.append(_Done(t, event))
        elif isinstance(event, FaultFailed):
            for k in range(len(found) - 1, -1, -1):
                began = found[k].event
                if (began.fault, began.target) == (event.fault, event.target):
                    found[k] = _Done(found[k].t, began, event.reason)
                    break
    return found


def _others(records: Sequence[Record]) -> Iterator[str]:
    """What people did to machines that no fault does; a deploy cordons and restarts by itself."""
    names = _machine_names(records)
    deploys = 0
    for t, event in records:
        if isinstance(event, DeployBegan | DeployEnded):
            deploys += 1 if isinstance(event, DeployBegan) else -1
        elif deploys:
            continue
        elif isinstance(event, CordonChanged):
            verb = "cordon" if event.cordoned else "uncordon"
            yield f"{verb} {names.get(event.machine, event.machine)} at {t:.1f} s"
        elif isinstance(event, MachineChanged) and event.state in ("restarting", "suspended"):
            yield f"{names.get(event.machine, event.machine)} {event.state} at {t:.1f} s"


def _machine_names(records: Sequence[Record]) -> Mapping[str, str]:
    """Machines by id as scenarios call them: a region's lowest number that is free."""
    numbers: dict[str, dict[str, int]] = {}
    names: dict[str, str] = {}
    for _, event in records:
        if not isinstance(event, MachineChanged):
            continue
        taken = numbers.setdefault(event.region, {})
        if event.state == "created":
            number = next(n for n in range(1, len(taken) + 2) if n not in taken.values())
            taken[event.machine] = number
            names[event.machine] = f"{event.region}/{number}"
        elif event.state == "destroyed":
            taken.pop(event.machine, None)
    return names


def _entry(event: FaultBegan, names: Mapping[str, str]) -> dict[str, Any]:
    """A fault as a timeline has it, without its time."""
    entry: dict[str, Any] = {"fault": event.fault}
    match event.detail.get("kind"):
        case "link":
            entry["link"] = event.target.split(":")
        case "machine":
            entry["machine"] = names.get(event.target, event.target)
        case "region" | "location" | "service" as kind:
            entry[kind] = event.target
    for param in FAULTS[event.fault].params:
        value = event.detail.get(param.name)
        if value is not None:
            entry[param.key] = param.write(value)
    return entry


def _missing(entry: Mapping[str, Any], topology: Topology, *, scaled: bool) -> str | None:
    """Why a target is not there when the topology comes up, or None."""
    region, slash, number = str(entry.get("machine", "")).partition("/")
    if not slash or scaled or int(number) <= topology.regions[region].machines:
        return None
    return f"the topology has no {entry['machine']}"


def _driver(topology: Topology) -> str:
    """The driver that needs nothing of a gateway but HTTP, unless it is the reference one."""
    return "session" if "sim.gateway" in (topology.gateway.command or ()) else "http"


def _duration_s(last_s: float, topology: Topology) -> float:
    checks = topology.gateway.checks
    found_s = max((c.settles_s + c.grace_period_s for c in checks), default=0.0)
    return math.ceil(last_s + found_s + topology.routing.ttl_s + _AFTER_S)


def _flow(entry: Mapping[str, Any]) -> str:
    """An entry on one line; with escapes where a text has what YAML reads as a line's end."""

    def dumped(*, allow_unicode: bool) -> str:
        text = yaml.safe_dump(
            dict(entry),
            default_flow_style=True,
            sort_keys=False,
            allow_unicode=allow_unicode,
            width=math.inf,
        )
        return str(text).strip()

    text = dumped(allow_unicode=True)
    return dumped(allow_unicode=False) if len(text.splitlines()) > 1 else text
