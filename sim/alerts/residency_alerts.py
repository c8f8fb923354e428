"""The alert residency_broken: what a policy's locations send is served outside its regions.

It begins with the first client that is, and ends when all that were are served inside again, or
ask no more. Where a location has no load, what its connections through the edges say counts: each
is told when it ends, so the last one does. What a load's clients leave behind does not: answers
after its end, connections that began before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.alerts.board import Condition
from sim.observe.client_names import location_of
from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    EdgeConnection,
    Event,
    LoadEnded,
)
from sim.topology.model import ResidencyPolicy, Topology


class ResidencyWatch:
    """Finds policies that are broken. Without a load a location stands for its clients."""

    kinds = (Acked, Connected, EdgeConnection, ClientMade, LoadEnded)

    def __init__(self, topology: Topology, speed: float) -> None:
        self._speed = speed
        self._policies: dict[str, list[ResidencyPolicy]] = {}
        for policy in topology.residency:
            for location in policy.locations:
                self._policies.setdefault(location, []).append(policy)
        self._outside: dict[str, set[str]] = {policy.name: set() for policy in topology.residency}
        self._loaded: set[str] = set()
        self._clients: set[str] = set()
        self._done: set[str] = set()  # clients of loads that are over
        self._quiet_since = -math.inf

    def take(self, t: float, event: Event) -> Iterator[Condition]:
        """What an event shows."""
        match event:
            case Acked() | Connected():
                if event.client not in self._done:
                    yield from self._served(location_of(event.client), event.client, event.region)
            case EdgeConnection():
                where, began = event.location, t - event.real_ms / 1000 * self._speed
                if where is not None and where not in self._loaded and began >= self._quiet_since:
                    served = event.machine_region or event.region
                    yield from self._served(where, where, event.region, served)
            case ClientMade():
                self._loaded.add(event.location)
                self._clients.add(event.client)
                self._done.discard(event.client)
            case LoadEnded():
                self._quiet_since = t
                self._loaded.clear()
                self._done |= self._clients
                self._clients.clear()
                for name, outside in self._outside.items():
                    outside.clear()
                    reason = "the load has ended: nobody asks any more"
                    yield Condition("residency_broken", name, wrong=False, reason=reason)

    def _served(self, location: str, who: str, *regions: str) -> Iterator[Condition]:
        """Somebody is served by these: the region of the machine, and that of the edge."""
        for policy in self._policies.get(location, ()):
            outside = self._outside[policy.name]
            allowed = ", ".join(policy.regions)
            region = next((code for code in regions if code not in policy.regions), regions[0])
            if region not in policy.regions:
                outside.add(who)
                reason = f"{who} is served by {region}; {policy.name} allows {allowed}"
                yield Condition("residency_broken", policy.name, True, reason, region)  # noqa: FBT003 - `wrong`
            elif who in outside:
                outside.discard(who)
                if not outside:
                    reason = f"who of {policy.name} was served elsewhere is served by {region}"
                    yield Condition("residency_broken", policy.name, wrong=False, reason=reason)
