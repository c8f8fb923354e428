"""Outages: how long each client was not served, and where that time went.

A client's outage runs from the last moment it was served before a failure until it is served
again (`outage_parts` says where that time went). An ordinary gap (`gap_rule`) is none.
Nor is one in which nothing failed and that would have been as short as gaps typically are without
what the host kept one part of its path waiting (`noise`): it is told apart, as `excused`. One that
would have been ordinary without all that the host kept waiting is `doubtful`: the run cannot tell
whether it is an outage. Short stalls of a gateway on a busy host are told like that: no outage by
themselves, they become as long as one by a wait that they are not due to.

For one that was never served yet it runs from its first attempt. Where a fault comes in such a gap,
what the client waited before is no outage of that fault: it runs from the fault.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from sim.observe.client_names import location_of
from sim.observe.events import Acked, LinkChanged, MachineChanged
from sim.observe.gap_rule import GapRule
from sim.observe.history import History, Timed
from sim.observe.noise import Noise
from sim.observe.obstacles import Obstacles
from sim.observe.outage_parts import parts_of


@dataclass(frozen=True)
class Outage:
    """One client's outage. Times are simulated seconds from the load's start.

    `region` is the one that served it last (None: it was never served), `to_region` the one that
    served it again (None: the run ended first, and `to_s` is that end). For `host_s` of it, at
    most, the host kept its path waiting, one part alone for `part_s`; for `tcp_s` of it, at most,
    TCP carried on later than in life (`retransmission`), and for `boot_s` a machine booted longer
    (`boots`). For `idle_s` the client left the gateway alone beyond its pace (`idleness`). A gap of
    `ordinary_s` is none, and one where nothing holds an answer up lasts
    `typical_s` at most.
    `failed`: the client lost its connection in it, or did not get one. `starved`: it gave one up
    that nothing stood in the way of, and for half of the time that it allows the host kept its
    path waiting.
    """

    client: str
    location: str
    region: str | None
    to_region: str | None
    from_s: float
    to_s: float
    detection_s: float
    dns_s: float
    recovery_s: float
    reconnect_s: float
    host_s: float = 0.0
    part_s: float = 0.0
    tcp_s: float = 0.0
    boot_s: float = 0.0
    idle_s: float = 0.0
    ordinary_s: float = 0.0
    typical_s: float = 0.0
    failed: bool = False
    starved: bool = False

    @property
    def seconds(self) -> float:
        """How long the client was cut off."""
        return self.to_s - self.from_s

    @property
    def certain_s(self) -> float:
        """How long it was at least, whatever was the host's, its driver's or counts real time."""
        return 0.0 if self.doubtful else self._left_s

    @property
    def excused(self) -> bool:
        """Whether it is the host's: without it, nothing would have held an answer up."""
        return not self.failed and self.seconds - self.part_s <= self.typical_s

    @property
    def doubtful(self) -> bool:
        """Whether without what was not the gateway's it may have been ordinary."""
        return self.starved or self._left_s <= self.ordinary_s

    @property
    def _left_s(self) -> float:
        return self.seconds - self.host_s - self.tcp_s - self.boot_s - self.idle_s


@dataclass(frozen=True)
class LocationOutage:
    """The outages of a location that belong together: same region lost, overlapping in time."""

    location: str
    region: str | None
    outages: Sequence[Outage]

    @property
    def worst(self) -> Outage:
        """The longest one."""
        return max(self.outages, key=lambda outage: outage.seconds)

    @property
    def median_s(self) -> float:
        """The median length of those hit."""
        return median(outage.seconds for outage in self.outages)

    @property
    def client_seconds(self) -> float:
        """The sum over all clients."""
        return sum(outage.seconds for outage in self.outages)

    @property
    def ended(self) -> bool:
        """Whether every client was served again before the run ended."""
        return all(outage.to_region is not None for outage in self.outages)


def find_outages(history: History, rule: GapRule) -> list[Outage]:
    """Every client's outages, in order of their beginning."""
    return [gap for gap in find_gaps(history, rule) if not gap.excused]


def find_gaps(history: History, rule: GapRule) -> list[Outage]:
    """The same with those gaps that are the host's."""
    pauses = _pauses(history, rule)
    found: list[Outage] = []
    for client in history.clients:
        found += _gaps_of(history, client, rule, pauses.get(client, ()))
    return sorted(found, key=lambda outage: (outage.from_s, outage.client))


def by_location(outages: Sequence[Outage]) -> list[LocationOutage]:
    """Outages grouped into what a location went through, in order of time."""
    groups: list[tuple[str, str | None, list[Outage]]] = []
    for outage in sorted(outages, key=lambda o: o.from_s):
        for location, region, members in groups:
            overlaps = outage.from_s <= max(member.to_s for member in members)
            if (location, region) == (outage.location, outage.region) and overlaps:
                members.append(outage)
                break
        else:
            groups.append((outage.location, outage.region, [outage]))
    return [LocationOutage(*group) for group in groups]


_Gap = tuple[float, Acked | None, float, Acked | None]


def _pauses(history: History, rule: GapRule) -> Mapping[str, Sequence[_Gap]]:
    """The time between two answers to a client, by client, where that is more than the rule's."""
    found: dict[str, list[_Gap]] = defaultdict(list)
    last: dict[str, Timed[Acked]] = {}
    allowed = cache(rule.allowed)
    for t, acked in history.of(Acked):
        client = acked.client
        before_s, before = last.get(client, (math.inf, None))
        if before and t > before_s + allowed(location_of(client), before.region):
            found[client].append((before_s, before, t, acked))
        last[client] = (t, acked)
    return found


def _gaps_of(history: History, client: str, rule: GapRule, pauses: Sequence[_Gap]) -> list[Outage]:
    location = location_of(client)
    first, last = history.answered.get(client, (None, None))
    first_s, served = first or (history.end, None)
    turned_away_s = _turned_away(history, client, first_s)
    waits_s = _first_wait(history, client, rule, min(first_s, turned_away_s))
    gaps: list[_Gap] = [(waits_s, None, first_s, served), *pauses]
    if last:
        gaps.append((*last, history.end, None))
    found = []
    for start, before, end, after in gaps:
        region = before.region if before else None
        slow = before is None and math.isinf(turned_away_s)
        allowed_s = rule.allowed_first() if slow else rule.allowed(location, region)
        if end <= start + allowed_s:
            continue
        passed = {place for place in (region, after and after.region) if place}
        parts = parts_of(history, client, (start, region), (end, after))
        failed = _failed(history, client, start, end)
        # What failed was waited for by the clock; the host can only have delayed what came then.
        since_s = end - parts.reconnect_s if failed else start
        path = (passed or history.regions, since_s, end)
        found.append(
            Outage(
                client=client,
                location=location,
                region=region,
                to_region=after.region if after else None,
                from_s=start,
                to_s=end,
                **vars(parts),
                host_s=history.noise.path_s(*path),
                part_s=history.noise.most_s(*path),
                tcp_s=history.retransmission.late_s({location, *path[0]}, start, end),
                boot_s=history.boots.late_s(path[0], start, end),
                idle_s=history.idleness(rule.every_s).beyond_s(client, start, end),
                ordinary_s=allowed_s,
                typical_s=allowed_s if slow else rule.resolution(location, region),
                failed=failed,
                starved=_starved(history, client, rule, start, end),
            )
        )
    return found


def _failed(history: History, client: str, start: float, end: float) -> bool:
    """Whether a client lost a connection within a time, or did not get one."""
    refused = (t for t, _ in history.connect_failed.get(client, ()))
    lost = (t for t, down in history.disconnected.get(client, ()) if not down.expected)
    return any(start < t <= end for t in (*refused, *lost))


def gave_up(noise: Noise, rule: GapRule, regions: Collection[str], t: float) -> bool:
    """Whether the host may be why a client gave up an attempt to these regions at an instant.

    It may where it kept a part of the way waiting for half of the time that the attempt had.
    """
    if math.isinf(rule.patience_s):
        return False
    return noise.any_s(regions, t - rule.patience_s, t) >= rule.patience_s / 2


def _starved(history: History, client: str, rule: GapRule, start: float, end: float) -> bool:
    """Whether a client gave an attempt up within a time for which the host may be the reason."""
    up = [(t, e.region) for t, e in history.connect_failed.get(client, ()) if e.machine is None]
    up += [(t, e.region) for t, e in history.disconnected.get(client, ()) if e.how == "left"]
    return any(
        gave_up(history.noise, rule, (region,) if region else history.regions, t)
        for t, region in up
        if start < t <= end and not _in_the_way(history, location_of(client), region, t)
    )


def _in_the_way(history: History, location: str, region: str | None, instant: float) -> bool:
    obstacles = Obstacles()
    for t, event in history.among(LinkChanged, MachineChanged):
        if t > instant:
            break
        if isinstance(event, LinkChanged | MachineChanged):
            obstacles.take(event)
    return obstacles.between(location, region)


def _first_attempt(history: History, client: str) -> float:
    first = [
        events[0][0]
        for events in (
            history.resolved.get(client),
            history.connected.get(client),
            history.connect_failed.get(client),
        )
        if events
    ]
    return min(first)


def _first_wait(history: History, client: str, rule: GapRule, until: float) -> float:
    """Since when a client's first wait counts: its first attempt, or a fault that came into it."""
    since = _first_attempt(history, client)
    for t, _ in history.faults:
        if since < t < until and t <= since + rule.allowed_first():
            since = t
    return since


def _turned_away(history: History, client: str, until: float) -> float:
    """When a client first met with a failure, by an instant; infinity: it did not."""
    failed = [t for t, _ in history.connect_failed.get(client, ())]
    failed += [t for t, down in history.disconnected.get(client, ()) if not down.expected]
    first = min(failed, default=math.inf)
    return first if first <= until else math.inf
