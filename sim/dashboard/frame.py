"""One frame of the live page: the model's sums beside what is so in the world now. Small, whole.

A frame has all there is to show but the story's lines and the charts' bins, of which a watcher
gets those that are new to it (`news`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sim.costs.prices import machine_month_usd
from sim.dashboard.crowd import LocationClients, clients_by_location
from sim.dashboard.live_model import LiveModel
from sim.dashboard.rates import BINS, Bin, percentiles
from sim.machines import machine_listing
from sim.network.links import Link
from sim.topology.distance import round_trip
from sim.topology.model import Location, Region
from sim.world import World

WINDOW = 10  # bins that rates and percentiles are of
_PERCENTS = (50, 90, 99)

Pair = tuple[str, str]


def portrait(world: World) -> dict[str, Any]:
    """What does not change while the world is up."""
    topology, record = world.topology, world.record
    return {
        "world": record.id,
        "app": topology.app,
        "hostname": topology.hostname,
        "url": world.url,
        "runtime": world.runtime,
        "links_by": world.links_by,
        "speed": world.speed,
        "seed": world.seed,
        "mode": topology.routing.mode,
        "ttl_s": topology.routing.ttl_s,
        "services": {name: _at(topology.place(name)) for name in topology.services},
        "links": [[link.spec.source, link.spec.target] for link in world.links.all()],
        "regions": [
            {
                "code": region.code,
                "city": region.city,
                "at": _at(region),
                "primary": region == topology.primary,
            }
            for region in topology.regions.values()
        ],
        "locations": [
            {
                "name": place.name,
                "at": _at(place),
                "nameserver": f"{world.plan.nameserver(place.name)}:{world.resolver.port}",
                "entry": str(world.plan.entry(place.name)),
                "rtt_ms": {
                    code: round(round_trip(topology, place.name, code).rtt_ms, 1)
                    for code in topology.regions
                },
            }
            for place in topology.locations.values()
        ],
    }


def _at(place: Region | Location) -> list[float]:
    return [place.at.lat, place.at.lon]


def frame(world: World, model: LiveModel) -> dict[str, Any]:
    """What is so at this instant."""
    now = world.clock.now()
    crowd = model.crowd
    places = clients_by_location(crowd, world.topology.locations, now)
    until = model.bin_of(now)
    since = max(until - WINDOW, model.bin_of(crowd.started or 0.0))
    recent = {pair: series.since(since) for pair, series in model.series.items()}
    span_s = max(now - since * model.bin_s, model.bin_s)
    standing = {code: world.ingress.standing(code) for code in world.topology.regions}
    return {
        "t": round(now, 1),
        "load": {
            "runs": crowd.runs,
            "clients": len(crowd.clients),
            "since_s": None if crowd.started is None else round(crowd.started, 1),
        },
        "regions": [
            _region(world, code, standing[code].total(), recent, span_s)
            for code in world.topology.regions
        ],
        "locations": [
            {
                **_location(world, model, name, recent, span_s),
                **_clients(places[name]),
                **_connections(standing, name),
            }
            for name in world.topology.locations
        ],
        "links": [_link(link) for link in world.links.all() if _is_unusual(link)],
        "faults": [
            {
                "fault": fault.fault,
                "target": fault.target,
                "region": fault.region,
                "location": fault.location,
                "since_s": round(fault.at_s, 1),
            }
            for fault in model.faults
        ],
        "alerts": [
            {
                "alert": alert.alert,
                "subject": _called(world, alert.subject),
                "since_s": round(alert.since, 1),
                "reason": alert.reason,
            }
            for alert in world.alarm.standing
        ],
        "bin_s": model.bin_s,
        "bin": until,
    }


def news(model: LiveModel, line: int, since: int) -> dict[str, Any]:
    """The lines after one, and the bins from one on, of which only the last ones are kept."""
    first = max(since, model.bin_of(model.crowd.started or 0.0))
    return {
        "lines": [[one.number, round(one.t, 1), one.text] for one in model.lines_after(line)],
        "bins": [
            [location, region, [_bin(one) for one in series.since(first)]]
            for (location, region), series in model.series.items()
        ],
        "kept": BINS,
    }


def _bin(one: Bin) -> list[Any]:
    return [one.index, one.answers, one.refused, *percentiles([one], 50, 99)]


def _region(
    world: World,
    code: str,
    connections: int,
    recent: Mapping[Pair, Sequence[Bin]],
    span_s: float,
) -> dict[str, Any]:
    machines = world.fleet.in_region(code)
    price = round(machine_month_usd(world.topology, code), 2)
    bins = [one for (_, region), found in recent.items() if region == code for one in found]
    return {
        "machines": [
            {
                **machine_listing.now(machine, world.health),
                "output": world.health.output(machine.id),
                "usd": price,
            }
            for machine in machines
        ],
        "connections": connections,
        **_sums(bins, span_s),
    }


def _location(
    world: World,
    model: LiveModel,
    name: str,
    recent: Mapping[Pair, Sequence[Bin]],
    span_s: float,
) -> dict[str, Any]:
    own = {region: bins for (place, region), bins in recent.items() if place == name}
    outages = model.crowd.outages.get(name)
    return {
        "dns": list(world.resolver.regions(name)),
        "by_region": {region: _sums(bins, span_s) for region, bins in own.items()},
        **_sums([one for bins in own.values() for one in bins], span_s),
        "outages": outages.count if outages else 0,
        "worst_s": round(outages.worst_s, 1) if outages else 0.0,
        "client_seconds": round(outages.client_seconds, 1) if outages else 0.0,
    }


def _clients(here: LocationClients) -> dict[str, Any]:
    return {
        "total": here.total,
        "served": here.served,
        "unanswered": here.unanswered,
        "cut": here.cut,
        "connecting": here.connecting,
        "held": [
            [region, count, _seconds(first), _seconds(last)]
            for region, (count, first, last) in sorted(here.held.items())
        ],
    }


def _connections(standing: Mapping[str, Counter[str | None]], name: str) -> dict[str, Any]:
    """The connections from a location that stand at each edge, whoever has them."""
    found = {code: counts[name] for code, counts in standing.items() if counts[name]}
    return {"standing": found, "connections": sum(found.values())}


def _called(world: World, subject: str) -> str:
    """What people call the subject of an alert: a machine is `fra/1`."""
    machine = world.fleet.machines.get(subject)
    return machine.name if machine else subject


def _seconds(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else round(value, 1)


def _sums(bins: Sequence[Bin], span_s: float) -> dict[str, Any]:
    """Answers a simulated second, the share that was refused, and latencies in simulated ms."""
    answers = sum(one.answers for one in bins)
    refused = sum(one.refused for one in bins)
    return {
        "rate": round(answers / span_s, 2),
        "errors": round(refused / (answers + refused), 4) if answers + refused else None,
        "ms": percentiles(bins, *_PERCENTS),
    }


def _is_unusual(link: Link) -> bool:
    return link.conditions != link.spec.conditions


def _link(link: Link) -> dict[str, Any]:
    return {
        "from": link.spec.source,
        "to": link.spec.target,
        "state": link.state,
        "rtt_ms": round(link.rtt_ms, 1),
        **link.conditions.detail(),
    }
