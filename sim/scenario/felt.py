"""Whether a fault could be felt: one that no client could have noticed proves nothing."""

from __future__ import annotations

import math

from sim.observe.client_names import location_of
from sim.observe.events import Connected, FaultBegan, LoadStarted
from sim.observe.history import History
from sim.scenario.faults import FAULTS
from sim.scenario.lasting import Fault, ended_by, fault_of

_NOTICED_REAL_S = 0.5  # a connection has stood a little before its client says so


def unfelt(history: History, since_s: float = -math.inf) -> list[str]:
    """The faults of a run, or those since an instant, that no client was in reach of, in words."""
    return [
        f"{fault.fault} {fault.target} at {t:.1f} s touched no client"
        for t, fault in history.faults
        if t >= since_s and not _repairs(fault) and not _reaches(history, t, fault)
    ]


def _repairs(fault: FaultBegan) -> bool:
    return FAULTS[fault.fault].effect_of(fault.detail) == "repairs"


def _reaches(history: History, t: float, fault: FaultBegan) -> bool:
    """Whether a client was connected through the target then, or came to it afterwards."""
    kind = fault.detail.get("kind")
    if FAULTS[fault.fault].newcomers(fault.detail) and kind != "service":
        return _met_by_newcomers(history, t, fault)
    if "age_s" in fault.detail:
        return _came_of_age(history, t, fault)
    if kind in ("service", "everything"):
        return any(history.region_of(client, t) for client in history.clients)
    if kind == "location":
        last_s = [(client, last[0]) for client, (_, last) in history.answered.items()]
        for events in (history.resolved, history.connect_failed):
            last_s += [(client, records[-1][0]) for client, records in events.items()]
        return any(location_of(client) == fault.target and at >= t for client, at in last_s)
    return any(_in_reach(history, t, fault, client) for client in history.clients)


def _in_reach(history: History, t: float, fault: FaultBegan, client: str) -> bool:
    """Whether a client was connected through a fault's places then, or came there afterwards."""
    location, region, machines = _scope(fault)
    if location not in (None, location_of(client)):
        return False
    if _connected_to(history, client, t, region, machines):
        return True
    tried = [(at, e.region) for at, e in history.connect_failed.get(client, ())]
    came = [(at, e.region) for at, e in history.connected.get(client, ())]
    later = any(at >= t and to == region for at, to in tried + came)
    return later and not FAULTS[fault.fault].standing


def _met_by_newcomers(history: History, t: float, fault: FaultBegan) -> bool:
    """Whether a client asked DNS or connected there while the fault stood, or was at it by then."""
    begun = _stood(history, t, fault)
    patience_s = max((event.timeout_s or 0.0 for _, event in history.of(LoadStarted)), default=0.0)
    until_s = (begun.until_s or t) + patience_s
    return any(
        t <= at <= until_s
        and begun.location in (None, location_of(client))
        and begun.region in (None, event.region)
        for events in (history.resolved, history.connect_failed, history.connected)
        for client, records in events.items()
        for at, event in records
    )


def _came_of_age(history: History, t: float, fault: FaultBegan) -> bool:
    """Whether a connection over its links reached the age to which it was limited.

    Those between regions and services are in no journal: they may be as old as the world.
    """
    begun = _stood(history, t, fault)
    over_s = min(begun.until_s or t, history.end)
    if over_s + _NOTICED_REAL_S * history.speed < fault.detail["age_s"]:
        return False
    if fault.detail.get("kind") != "location" and begun.location is None:
        return bool(history.connected)
    for client in history.clients_of(begun.location or ""):
        ends = [at for at, _ in history.disconnected.get(client, ())]
        for since_s, up in history.connected.get(client, ()):
            until_s = min(next((at for at in ends if at >= since_s), over_s), over_s)
            lived_s = until_s - since_s + _NOTICED_REAL_S * history.speed
            if (
                begun.region in (None, up.region)
                and until_s >= t
                and lived_s >= fault.detail["age_s"]
            ):
                return True
    return False


def _stood(history: History, t: float, fault: FaultBegan) -> Fault:
    """A fault with what ended it, if anything did."""
    begun = fault_of(t, fault)
    for at, event in history.faults:
        if at > t:
            begun = ended_by(begun, at, event)
    return begun


def _scope(fault: FaultBegan) -> tuple[str | None, str | None, frozenset[str]]:
    """The location (None: any), the region and the machines (none: all) that a fault is about."""
    detail = fault.detail
    machines = frozenset(detail.get("machines") or ())
    return detail.get("location"), detail.get("region"), machines


def _connected_to(
    history: History, client: str, t: float, region: str | None, machines: frozenset[str]
) -> bool:
    if region is None or history.region_of(client, t) != region:
        return False
    last: Connected | None = None
    for at, up in history.connected.get(client, ()):
        if at <= t:
            last = up
    return last is not None and (not machines or last.machine in machines)
