"""What must hold between the keys of a topology file: names that exist, names that are unique."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from sim.errors import Problem
from sim.suggestions import listed, suggest
from sim.topology import service_consistency as services
from sim.topology.cities import CITIES
from sim.topology.geography import (
    REGIONS,
    city_suggestions,
    nearest_active,
    place_named,
    region_suggestions,
    slug,
)
from sim.topology.model import DATABASE
from sim.topology.topology_keys import LinkSchema, TopologySchema
from sim.topology.units import format_duration
from sim.topology.yaml_document import Document


def problems_between(schema: TopologySchema, document: Document) -> list[Problem]:
    """Every problem between keys, in the order of the file."""
    checks = (
        _gateway,
        _regions,
        _locations,
        _subnets,
        _routing,
        _links,
        services.problems,
        _residency,
        _hosts,
        _costs,
        _alerts,
    )
    problems = [problem for check in checks for problem in check(schema, document)]
    return sorted(problems, key=lambda problem: problem.line or 0)


def _gateway(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    gateway = schema.gateway
    if gateway.image is None and gateway.build is None and gateway.command is None:
        message = (
            "has neither `command` (process runtime) nor `image` or `build` (docker runtime); "
            "give one of them, such as `command: [./my-gateway]`"
        )
        yield document.problem(message, "gateway")
    for i, check in enumerate(gateway.checks or ()):
        if check.type == "tcp" and check.path is not None:
            message = "a tcp check has no path; remove it or write `type: http`"
            yield document.problem(message, "gateway", "checks", i, "path")
    limits = gateway.concurrency
    if limits.hard_limit is not None and limits.hard_limit < limits.soft_limit:
        message = f"is less than `soft_limit`, {limits.soft_limit}; write at least that"
        yield document.problem(message, "gateway", "concurrency", "hard_limit")
    for variable, service in services.told(schema).items():
        message = f"`{variable}` is set by services.{service}; remove one of the two"
        if variable in gateway.env:
            yield document.problem(message, "gateway", "env", variable)
        if variable in gateway.secrets:
            index = gateway.secrets.index(variable)
            yield document.problem(message, "gateway", "secrets", index)


def _regions(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    for code, region in schema.regions.items():
        if region.at is None and (message := _region_code(code)):
            yield document.unknown_key(message, "regions", code)
    primary = [code for code, region in schema.regions.items() if region.primary]
    for code in primary[1:]:
        message = f"`{primary[0]}` is primary already; there is one primary region, remove one"
        yield document.problem(message, "regions", code, "primary")
    if not any(region.machines for region in schema.regions.values()):
        message = "no region has a machine; write `machines: 1` in one of them at least"
        yield document.problem(message, "regions")


def _region_code(code: str) -> str | None:
    """What is wrong with a code that comes without coordinates."""
    fly = REGIONS.get(code)
    if fly and fly.active:
        return None
    own = "give `at: [latitude, longitude]` for a region that is not Fly's"
    if fly:
        near = nearest_active(fly.at)
        return (
            f"Fly runs no machines in `{code}` ({fly.city}) any more; the nearest active region "
            f"is `{near.code}` ({near.city}): use it, or {own}"
        )
    similar = region_suggestions(code)
    active = listed((region.code for region in REGIONS.values() if region.active), "or")
    meant = f"did you mean {listed(similar, 'or')}?" if similar else f"allowed: {active}."
    return f"`{code}` is not a region of Fly; {meant} Or {own}"


def _locations(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    for name, location in schema.locations.items():
        if name in schema.regions:
            city = slug(REGIONS[name].city) if name in REGIONS else f"clients-{name}"
            message = f"is a region's name too; name the location otherwise, such as `{city}`"
            yield document.unknown_key(message, "locations", name)
        elif name == DATABASE or name in schema.services.programs:
            message = f"`{name}` names the service; name the location otherwise"
            yield document.unknown_key(message, "locations", name)
        elif location.at is None and place_named(name) is None:
            similar = city_suggestions(name)
            meant = f"did you mean {listed(similar, 'or')}? Else give" if similar else "give"
            message = (
                f"`{name}` is none of the {len(CITIES)} cities known; {meant} its place, such as "
                f"`{name}: {{at: [51.51, -0.13]}}` (latitude, longitude)"
            )
            yield document.unknown_key(message, "locations", name)


def _subnets(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    prefixes = [
        (prefix, name, i)
        for name, location in schema.locations.items()
        for i, prefix in enumerate(location.subnets)
    ]
    for (one, name, _), (other, other_name, i) in combinations(prefixes, 2):
        if one == other and name != other_name:
            message = f"`{other}` is {name}'s; an address belongs to one place: remove one of them"
            yield document.problem(message, "locations", other_name, "subnets", i)
        elif name == other_name and one.version == other.version and one.overlaps(other):
            message = f"`{other}` overlaps `{one}` of the same location; remove one of them"
            yield document.problem(message, "locations", other_name, "subnets", i)


def _routing(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    routing = schema.routing
    if routing.mode == "anycast" and routing.when_none_local == "refuse":
        message = (
            "with `anycast` one address leads everyone to the nearest edge, and no one is refused; "
            "remove it (a residency policy still says where data may be served)"
        )
        yield document.problem(message, "routing", "when_none_local")
    if routing.min_ttl is not None and routing.min_ttl > routing.ttl:
        message = (
            f"is more than `ttl`, {format_duration(routing.ttl)}; write less, "
            "or remove it: then every answer has the whole `ttl`"
        )
        yield document.problem(message, "routing", "min_ttl")


def _links(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    places = [*schema.regions, *schema.locations, *schema.services.programs]
    if schema.services.database:
        places.append(DATABASE)
    seen: set[frozenset[str]] = set()
    for i, link in enumerate(schema.links):
        unknown = [name for name in link.between if name not in places]
        for name in unknown:
            message = f"unknown region or location `{name}`{suggest(name, places)}"
            yield document.problem(message, "links", i, "between")
        pair = frozenset(link.between)
        if len(pair) < 2:
            message = f"both ends are `{link.between[0]}`; name two places"
            yield document.problem(message, "links", i, "between")
        elif not unknown and pair <= set(schema.locations):
            message = "both ends are locations; a link leads to a region, name one"
            yield document.problem(message, "links", i, "between")
        elif pair in seen:
            message = f"{listed(link.between)} have a link above already; remove one"
            yield document.problem(message, "links", i, "between")
        seen.add(pair)
        if (found := _path(link)) is not None:
            key, message = found
            yield document.problem(message, "links", i, *key)


def _path(link: LinkSchema) -> tuple[tuple[str, ...], str] | None:
    """What is wrong with what one link says, under which of its keys."""
    if link.rtt is None and link.jitter:
        return ("jitter",), "is said without a round trip; add `rtt`"
    if link.rtt is not None and link.jitter > link.rtt:
        return ("jitter",), "is more than the round trip; write less than `rtt`"
    if link.shared and link.bandwidth is None:
        return ("shared",), "says whose the bandwidth is; add `bandwidth: 10mbps`, for example"
    if link.rtt is None and link.bandwidth is None and link.buffer is None:
        return (), f"nothing is said of {listed(link.between)}; add `rtt`, `bandwidth` or `buffer`"
    return None


def _residency(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    for policy, entry in schema.policies.residency.items():
        for key, names, known in (
            ("locations", entry.locations, schema.locations),
            ("regions", entry.regions, schema.regions),
        ):
            for i, name in enumerate(names):
                if name not in known:
                    message = f"unknown {key[:-1]} `{name}`{suggest(name, known)}"
                    yield document.problem(message, "policies", "residency", policy, key, i)


def _hosts(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    for code in schema.hosts:
        if code not in schema.regions:
            message = f"unknown region `{code}`{suggest(code, schema.regions)}"
            yield document.unknown_key(message, "hosts", code)


def _costs(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    for code in schema.costs.markup if schema.costs else ():
        if code not in schema.regions:
            message = f"unknown region `{code}`{suggest(code, schema.regions)}"
            yield document.unknown_key(message, "costs", "markup", code)


def _alerts(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    for i, receiver in enumerate(schema.alerts):
        if (receiver.webhook is None) == (receiver.command is None):
            has = "neither" if receiver.webhook is None else "both"
            message = f"has {has} of `webhook` and `command`; give one, and an item for each"
            yield document.problem(message, "alerts", i)
