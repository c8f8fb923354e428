"""The grammar of timelines: which blows a topology offers, when they fall, for how long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sim.hunt.strike import Blow, Due, Entry, Plan, Strike
from sim.rng import Rng
from sim.topology.model import Topology

LEAD_S = 8.0  # undisturbed: by then clients are served
WINDOW_S = 20.0  # in which strikes begin
MOST_STRIKES = 4
FAULTS = (
    "crash",
    "stop",
    "freeze",
    "partition",
    "reset",
    "service_outage",
    "deploy",
    "dns_outage",
    "stale_dns",
    "sicken",
)
_HOLDS_S = (2.0, 4.0, 7.0, 12.0)
_TIED = 0.6  # of the strikes fall at an event
_EVENTS = {"sent": 4, "acked": 2, "session_ready": 1, "connected": 1}  # how often to which
_EXACT = 0.35  # of those at once, the others within about an acknowledgement's time
_WAYS = 1.2
_LEAVES = ("crash", "stop", "freeze", "deploy", "sicken")  # clients go elsewhere, and stay there
_RETURNS = 0.4  # of the strikes after those send them back, by a reset
_BACK_S = (4.0, 16.0)  # by when the machine is believed in again


@dataclass(frozen=True)
class Moment:
    """An event of a client in the undisturbed run: its number there, and when it came."""

    event: str
    client: str
    nth: int
    at_s: float


def blows(topology: Topology, allowed: Collection[str] = FAULTS) -> list[Blow]:
    """Every blow that the topology offers, in its order."""
    return [blow for blow in _blows(topology) if blow.name in allowed]


def _blows(topology: Topology) -> Iterator[Blow]:
    for region in topology.regions:
        at: Entry = {"region": region}
        for fault, repair in (
            ("crash", "start"),
            ("stop", "start"),
            ("freeze", "thaw"),
            ("sicken", "cure"),
        ):
            yield Blow({"fault": fault, **at}, {"fault": repair, **at})
        yield Blow({"fault": "deploy", **at}, None)
    for service, spec in topology.services.items():
        of: Entry = {"service": service}
        yield Blow({"fault": "service_outage", **of}, {"fault": "heal", **of})
        for region in topology.regions:
            if region != spec.region or len(topology.regions) == 1:
                yield from _cuts(region, service)
    for location in topology.locations:
        of = {"location": location}
        yield Blow({"fault": "reset", **of}, None)
        for region in topology.regions:
            yield from _cuts(location, region)
        if topology.routing.mode == "geodns":
            for fault in ("dns_outage", "stale_dns"):
                yield Blow({"fault": fault, **of}, {"fault": "heal", **of})


def _cuts(one: str, other: str) -> Iterator[Blow]:
    """A link cut on both ways, and on each: heard and not hearing is what loses answers."""
    of: Entry = {"link": [one, other]}
    for towards in (None, one, other):
        way = {"towards": towards} if towards else {}
        yield Blow({"fault": "partition", **of, **way}, {"fault": "heal", **of})


@dataclass(frozen=True)
class Grammar:
    """What strikes are drawn from. `way_s` is the undisturbed time to an acknowledgement."""

    blows: Sequence[Blow]
    moments: Sequence[Moment]
    clients: int
    way_s: float

    def strike(self, rng: Rng, near_s: float | None = None) -> Strike:
        """A strike; where `near_s` is given, not far from then."""
        hold_s = rng.choice(_HOLDS_S)
        return Strike(rng.choice(list(self.blows)), self.due(rng, near_s), hold_s)

    def following(self, rng: Rng, earlier: Strike) -> Strike:
        """A strike after another: what comes then, or the return of those who had to leave."""
        resets = [blow for blow in self.blows if blow.name == "reset"]
        if resets and earlier.blow.name in _LEAVES and rng.random() < _RETURNS:
            back_s = round(earlier.over_s + rng.uniform(*_BACK_S), 2)
            return Strike(rng.choice(resets), Due(back_s))
        return self.strike(rng, earlier.over_s)

    def due(self, rng: Rng, near_s: float | None = None) -> Due:
        """When a strike falls."""
        first_s, last_s = LEAD_S, LEAD_S + WINDOW_S
        if near_s is not None:
            near_s = min(near_s, last_s)
            first_s, last_s = max(first_s, near_s - 3), min(last_s, near_s + 6)
        event = rng.choices([*_EVENTS], [*_EVENTS.values()])[0]
        inside = [m for m in self.moments if m.event == event and first_s <= m.at_s <= last_s]
        if inside and rng.random() < _TIED:
            moment = rng.choice(inside)
            late_s = rng.uniform(0, _WAYS * self.way_s)
            after_s = 0.0 if rng.random() < _EXACT else round(late_s, 3)
            return Due(moment.at_s, moment.event, moment.client, moment.nth, after_s)
        return Due(round(rng.uniform(first_s, max(first_s, last_s)), 2))

    def plan(self, rng: Rng, strikes: int) -> Plan:
        """A plan of so many strikes, each near the one before it."""
        found: list[Strike] = []
        for _ in range(strikes):
            found.append(self.following(rng, rng.choice(found)) if found else self.strike(rng))
        return self._ordered(found)

    def varied(self, rng: Rng, plan: Plan) -> Plan:
        """The plan with one strike more, moved, lasting otherwise, or another one."""
        strikes = list(plan.strikes)
        if not strikes:
            return self.plan(rng, 1)
        k = rng.randrange(len(strikes))
        how = rng.choice(("add", "add", "move", "hold", "other"))
        if how == "add" and len(strikes) < MOST_STRIKES:
            strikes.append(self.following(rng, strikes[k]))
        elif how == "move":
            strikes[k] = replace(strikes[k], due=self.due(rng, strikes[k].due.at_s))
        elif how == "hold":
            strikes[k] = replace(strikes[k], hold_s=rng.choice(_HOLDS_S))
        else:
            strikes[k] = self.strike(rng, strikes[k].due.at_s)
        return self._ordered(strikes)

    def _ordered(self, strikes: Sequence[Strike]) -> Plan:
        return Plan(tuple(sorted(strikes, key=lambda strike: strike.due.at_s)), self.clients)
