"""residency_broken: what a policy's locations send is served outside the policy's regions.

It begins with the first client that is, and ends when all that were are served inside again, or
ask no more. Where a location has no load, what its connections through the edges say counts: each
is told when it ends, so the last one does.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.alerts.board import Finding
from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    EdgeConnection,
    Event,
    LoadEnded,
)
from sim.observe.history import location_of
from sim.topology.model import ResidencyPolicy, Topology


class ResidencyWatch:
    """Finds policies that are broken; `who` of a location without a load is the location."""

    kinds = (Acked, Connected, EdgeConnection, ClientMade, LoadEnded)

    def __init__(self, topology: Topology) -> None:
        self._policies: dict[str, list[ResidencyPolicy]] = {}
        for policy in topology.residency:
            for location in policy.locations:
                self._policies.setdefault(location, []).append(policy)
        self._outside: dict[str, set[str]] = {policy.name: set() for policy in topology.residency}
        self._loaded: set[str] = set()

    def take(self, t: float, event: Event) -> Iterator[Finding]:
        """What an event shows."""
        del t
        match event:
            case Acked() | Connected():
                yield from self._served(location_of(event.client), event.client, event.region)
            case EdgeConnection():
                where = event.location
                if where is not None and where not in self._loaded:
                    yield from self._served(where, where, event.region)
            case ClientMade():
                self._loaded.add(event.location)
            case LoadEnded():
                self._loaded.clear()
                for name, outside in self._outside.items():
                    outside.clear()
                    reason = "the load has ended: nobody asks any more"
                    yield Finding("residency_broken", name, wrong=False, reason=reason)

    def _served(self, location: str, who: str, region: str) -> Iterator[Finding]:
        for policy in self._policies.get(location, ()):
            outside = self._outside[policy.name]
            allowed = ", ".join(policy.regions)
            if region not in policy.regions:
                outside.add(who)
                reason = f"{who} is served by {region}; {policy.name} allows {allowed}"
                yield Finding("residency_broken", policy.name, True, reason, region)  # noqa: FBT003 - `wrong`
            elif who in outside:
                outside.discard(who)
                if not outside:
                    reason = f"who of {policy.name} was served elsewhere is served by {region}"
                    yield Finding("residency_broken", policy.name, wrong=False, reason=reason)
