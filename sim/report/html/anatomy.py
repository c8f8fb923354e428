"""Where the time of each outage went, for the waterfalls: finer than the four parts of a report.

    detection    until the health checker believed it, or the client noticed, if that was later
    dns          from that belief until DNS led elsewhere
    cache        until the client's cached answer had run out
    recovery     instead, where a client waited for the same region to come back
    backoff      pauses between attempts, and the attempts that failed
    connection   the attempt that worked: asking DNS, connecting, the WebSocket's handshake
    resume       from the connection to the first answer on it

An attempt's beginning is in the journal only if it asked DNS afresh; the time of one that used a
cached answer counts as backoff.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.observe.blips import folded
from sim.observe.history import History
from sim.observe.outages import LocationOutage, Outage, by_location
from sim.report.html.lanes import attempt_start
from sim.scenario.evidence import Evidence

PARTS = ("detection", "dns", "cache", "recovery", "backoff", "connection", "resume")
MOST_OUTAGES = 200  # groups by location, the costliest first

Parts = tuple[float, ...]


def anatomy(evidence: Evidence) -> dict[str, Any]:
    """The outages by location, the costliest first, and the sum of all."""
    history = evidence.history
    parts = {id(outage): parts_of(history, outage) for outage in evidence.outages}
    groups = sorted(by_location(evidence.outages), key=lambda group: -group.client_seconds)
    flags = folded(groups, evidence.gap_rule)
    groups = [group for group, blip in zip(groups, flags, strict=True) if not blip]
    return {
        "parts": list(PARTS),
        "groups": [_group(group, parts) for group in groups[:MOST_OUTAGES]],
        "omitted": max(0, len(groups) - MOST_OUTAGES),
        "sum": _sum(list(parts.values())),
        "clients": len({outage.client for outage in evidence.outages}),
        "unended": len({o.client for o in evidence.outages if o.to_region is None}),
    }


def parts_of(history: History, outage: Outage) -> Parts:
    """The parts of one client's outage, in the order of PARTS; they add up to the whole."""
    known = outage.from_s + outage.detection_s
    back = outage.to_s - outage.reconnect_s
    believed = _believed(history, outage, known)
    connected = max(
        (t for t, _ in history.connected.get(outage.client, ()) if back <= t <= outage.to_s),
        default=None,
    )
    if connected is None:  # the old connection came to life again, or none was had to the end
        standing = history.region_of(outage.client, outage.to_s) is not None
        connected = back if standing else outage.to_s
        attempt = connected
    else:
        started = attempt_start(history, outage.client, connected)
        attempt = connected if started is None else max(back, started)
    return (
        believed - outage.from_s,
        known - believed,
        outage.dns_s,
        outage.recovery_s,
        attempt - back,
        connected - attempt,
        outage.to_s - connected,
    )


def _believed(history: History, outage: Outage, known: float) -> float:
    """When the checker gave the region up, if that is what led DNS away at `known`."""
    if not any(
        abs(t - known) < 1e-6 and routing.location == outage.location
        for t, routing in history.routing
    ):
        return known
    critical = [
        t
        for t, health in history.health
        if health.region == outage.region
        and health.status != "passing"
        and outage.from_s <= t <= known
    ]
    return max(critical, default=known)


def _group(group: LocationOutage, parts: dict[int, Parts]) -> dict[str, Any]:
    worst = group.worst
    return {
        "location": group.location,
        "region": group.region,
        "to": worst.to_region,
        "ended": group.ended,
        "clients": len({outage.client for outage in group.outages}),
        "client": worst.client,
        "from": round(worst.from_s, 2),
        "until": round(worst.to_s, 2),
        "median_s": round(group.median_s, 2),
        "worst": _rounded(parts[id(worst)]),
        "sum": _sum([parts[id(outage)] for outage in group.outages]),
    }


def _sum(all_parts: Sequence[Parts]) -> list[float]:
    return _rounded(tuple(map(sum, zip(*all_parts, strict=True)))) or [0.0] * len(PARTS)


def _rounded(parts: Parts) -> list[float]:
    return [round(max(0.0, part), 3) for part in parts]
