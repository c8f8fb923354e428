"""Where the time of an outage went: what the client was waiting for, from the journal.

    last served ...... detection ...... dns ...... reconnect ...... served again
                 the client lost    its cached      backoff, connection,
                 its connection,    answer still    handshake, resume
                 and DNS left the   named the
                 region             region

`detection` ends when both are so: the client noticed and, if it ends up elsewhere, DNS had moved
on. `dns` is what the cache and its TTL cost after that; nothing where the client was served
elsewhere while DNS went on naming the region first, as with anycast, whose edge stays. A client
that was served again by the same region waited for that region instead of for DNS: `recovery`.
The parts add up to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.observe.client_names import location_of
from sim.observe.events import Acked, Disconnected, LinkChanged, MachineChanged
from sim.observe.history import History, Timed


@dataclass(frozen=True)
class OutageParts:
    """The parts of one outage, in simulated seconds."""

    detection_s: float
    dns_s: float
    recovery_s: float
    reconnect_s: float


def parts_of(
    history: History,
    client: str,
    last: tuple[float, str | None],
    again: tuple[float, Acked | None],
) -> OutageParts:
    """Split the time from the `last` answer (when, by which region) to the next (`again`)."""
    (start, region), (end, after) = last, again
    location = location_of(client)
    to_region = after.region if after else None
    noticed = _first_within(history.disconnected.get(client, ()), start, end)
    if region is None:  # never served before: nothing to detect, nothing stale
        known = fresh = back = start
    elif to_region == region:
        known = fresh = end if noticed is None else noticed
        back = max(known, _region_back(history, location, region, start, end))
    else:
        moved = _left_region(history, location, region, start, end)
        if moved is None:  # DNS had moved before, or never did
            moved = start if to_region else end
        known = max(moved, start if noticed is None else noticed)
        fresh = back = known
        if not to_region or not _still_led(history, location, region, end):
            fresh = back = max(known, _stale_until(history, client, region, known, end))
    return OutageParts(known - start, fresh - known, back - fresh, end - back)


def _first_within(events: Sequence[Timed[Disconnected]], start: float, end: float) -> float | None:
    return next((t for t, _ in events if start <= t <= end), None)


def _region_back(history: History, location: str, region: str, start: float, end: float) -> float:
    """When a region could be reached again: its last machine to start, its last link to heal."""
    back = [
        t
        for t, change in history.of(MachineChanged)
        if change.region == region and change.state == "started" and start <= t <= end
    ]
    back += [
        t
        for t, link in history.of(LinkChanged)
        if link.link == f"{location}:{region}" and link.state == "up" and start <= t <= end
    ]
    return max(back, default=start)


def _left_region(
    history: History, location: str, region: str, start: float, end: float
) -> float | None:
    """When DNS last stopped naming a region first to a location, in (start, end], or None."""
    left = None
    for t, routing in history.routing:
        if routing.location == location and start <= t <= end:
            left = t if routing.regions[:1] != (region,) else None
    return left


def _still_led(history: History, location: str, region: str, end: float) -> bool:
    """Whether DNS names a region first to a location, at an instant."""
    said = [r.regions[:1] for t, r in history.routing if r.location == location and t <= end]
    return said[-1:] == [(region,)]


def _stale_until(
    history: History, client: str, region: str | None, known: float, end: float
) -> float:
    """Until when the client's cached answer named the lost region, within the outage."""
    until = known
    for t, answer in history.resolved.get(client, ()):
        if t > known:
            break
        if answer.region == region:
            until = end if answer.expires is None else answer.expires
        else:
            until = known
    return min(until, end)
