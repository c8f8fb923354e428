"""The promises, and what each expects of a trial, in the words of a scenario. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sim.topology.distance import round_trip
from sim.topology.model import Location, Region, Topology

TrialName = Literal["crash", "deploy"]
Expected = Mapping[str, Any]

CRASH_S = 20.0
MACHINE_MONTH_USD = 5.20  # what the team's document says of one machine


@dataclass(frozen=True)
class Promise:
    """What is promised, and what has to be so in the trial of that name for it to be held."""

    name: str
    says: str
    trial: TrialName
    expect: tuple[Expected, ...]


@dataclass(frozen=True)
class Setup:
    """What the promises depend on: which region crashes, and how long things take.

    `detected_s` after a crash a check has failed at the latest; `recovered_s` is when everybody has
    moved, detection, DNS and reconnecting together.
    """

    topology: Topology
    crashed: str
    detected_s: float
    recovered_s: float

    @property
    def away(self) -> list[Location]:
        """The locations that the crashed region serves."""
        return [
            place
            for place in self.topology.locations.values()
            if nearest(self.topology, place) == self.crashed
        ]


def setup_of(topology: Topology) -> Setup:
    """The region that serves most clients and is not the primary one crashes, if there is one.

    One that a residency policy is about goes first: that is where two promises meet.
    """
    share = dict.fromkeys(_with_machines(topology), 0.0)
    for place in topology.locations.values():
        share[nearest(topology, place)] += place.share
    bound = {code for policy in topology.residency for code in policy.regions}
    crashed = max(
        share,
        key=lambda code: (
            share[code] > 0,
            code in bound,
            code != topology.primary.code,
            share[code],
        ),
    )
    detected_s = max(check.detects_s for check in topology.gateway.checks)
    led_s = topology.routing.ttl_s if topology.routing.mode == "geodns" else 0.0
    return Setup(topology, crashed, detected_s, CRASH_S + detected_s + led_s + 15.0)


def nearest(topology: Topology, place: Location, without: str = "") -> str:
    """The region with machines that is the fewest milliseconds away from a location."""
    return min(
        (code for code in _with_machines(topology) if code != without),
        key=lambda code: round_trip(topology, place.name, code).rtt_ms,
    )


def promises(setup: Setup) -> list[Promise]:
    """All promises that can be asked of this topology."""
    topology = setup.topology
    bound = f"{setup.detected_s:g} s"
    found = [
        Promise("nearest", "Users are served by the nearest region", "crash", _nearest(topology)),
        Promise(
            "removal",
            f"A crashed region is taken out after a failed health check, within {bound}",
            "crash",
            tuple(_removed(setup)),
        ),
        Promise(
            "crash",
            "Zero downtime when a region crashes",
            "crash",
            _no_outage(topology),
        ),
        Promise(
            "deploy",
            "Zero downtime when we deploy",
            "deploy",
            ({"check": "deploy", "outcome": "done"}, *_no_outage(topology)),
        ),
        Promise(
            "in-step",
            "Secrets and image are the same everywhere after a deploy",
            "deploy",
            ({"check": "in_step", "of": "image"}, {"check": "in_step", "of": "secrets"}),
        ),
        _sessions(topology),
        *_residency(topology),
        _cost(topology),
    ]
    return [promise for promise in found if promise.expect]


def _with_machines(topology: Topology) -> list[str]:
    return [code for code, region in topology.regions.items() if region.machines]


def _nearest(topology: Topology) -> tuple[Expected, ...]:
    return tuple(
        {
            "check": "served_by",
            "location": place.name,
            "region": nearest(topology, place),
            "until": f"{CRASH_S:g}s",
        }
        for place in topology.locations.values()
    )


def _removed(setup: Setup) -> Iterator[Expected]:
    """With geodns DNS leads elsewhere by then; with anycast it never changes, and edges do."""
    topology, until = setup.topology, f"{setup.recovered_s:g}s"
    if len(_with_machines(topology)) < 2:
        return
    for place in setup.away:
        there = {"location": place.name, "region": nearest(topology, place, setup.crashed)}
        if topology.routing.mode == "geodns":
            within = f"{setup.detected_s:g}s"
            yield {"check": "dns", **there, "within": within, "until": until}
        else:
            since = f"{CRASH_S + setup.detected_s:g}s"
            yield {"check": "served_by", **there, "from": since, "until": until}


def _no_outage(topology: Topology) -> tuple[Expected, ...]:
    return tuple({"check": "outage", "location": name, "max": "0s"} for name in topology.locations)


def _sessions(topology: Topology) -> Promise:
    """Where there is one region nobody goes elsewhere: that its sessions resume proves no more."""
    kept: Expected = {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0}
    if len(_with_machines(topology)) < 2:
        words = "Nothing acknowledged is lost when a region crashes"
        return Promise("sessions", words, "crash", (kept,))
    words = "Sessions need no syncing: they go on elsewhere, and nothing acknowledged is lost"
    return Promise("sessions", words, "crash", ({"check": "sessions", "resumed": "all"}, kept))


def _residency(topology: Topology) -> Iterator[Promise]:
    for policy in topology.residency:
        yield Promise(
            f"residency-{policy.name}",
            "EU data stays in the EU"
            if policy.name == "eu"
            else f"Data of `{policy.name}` stays in its regions",
            "crash",
            ({"check": "residency", "policy": policy.name},),
        )


def _cost(topology: Topology) -> Promise:
    count = sum(region.machines for region in topology.regions.values())
    each = topology.costs.machine_month_usd if topology.costs else None
    month = count * (MACHINE_MONTH_USD if each is None else each)
    machines = "One machine costs" if count == 1 else f"{count} machines cost"
    return Promise(
        "cost",
        f"{machines} ${month:.2f} a month",
        "deploy",
        ({"check": "cost", "max": round(month, 2)},),
    )


def region_words(region: Region) -> str:
    """A region for people: its city with its code."""
    return f"{region.city} ({region.code})"
