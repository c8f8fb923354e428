"""Clients that the host made ask DNS too late to be led wrong. Pure.

A client that is cut off asks DNS at once. Where its old answer has run out, it matters whether the
health checker was quicker: if not, the client keeps a wrong answer for a whole TTL. The host can
decide that race, by keeping the simulator's own process from letting the client notice.
"""

from __future__ import annotations

from sim.observe.history import History
from sim.observe.outages import Outage


def overtaken(history: History, outage: Outage) -> bool:
    """Whether DNS left a region before a client asked, by less than the host kept it waiting."""
    client, region = outage.client, outage.region
    within = (outage.from_s, outage.to_s)
    lost_s = next(
        (
            t
            for t, down in history.disconnected.get(client, ())
            if within[0] <= t <= within[1] and down.how == "broken" and down.region == region
        ),
        None,
    )
    if lost_s is None or region is None:
        return False
    asked = [(t, e.region) for t, e in history.resolved.get(client, ()) if lost_s <= t <= within[1]]
    left = [
        t
        for t, routing in history.routing
        if routing.location == outage.location and within[0] <= t and region not in routing.regions
    ]
    if not asked or not left or asked[0][1] == region or asked[0][0] < left[0]:
        return False
    since_s = max((t for t, _ in history.faults if t <= lost_s), default=outage.from_s)
    late_s = history.noise.ours_s(since_s, asked[0][0])
    return asked[0][0] - late_s < left[0]
