"""Why a name is answered as it is: the matched prefix, the regions in order, health, policy, TTL.

The answer itself is taken from the name server, so that an explanation cannot contradict it.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from dnslib import RCODE, DNSError, DNSRecord
from dnslib.label import DNSLabelError

from sim.errors import InputError, Problem
from sim.routing.dns.subnet import Prefixes, as_subnet
from sim.routing.dns.zone import Outlook
from sim.routing.dns.zone_authority import ZoneAuthority
from sim.routing.router import allowed_regions, preferred_regions, round_trip_ms
from sim.topology.addresses import AddressPlan
from sim.topology.model import Subnet, Topology

_NOWHERE = str(IPv4Address(0))  # a source that is in no location


@dataclass(frozen=True)
class Candidate:
    """One region as a location sees it. `address` is how the location reaches it."""

    region: str
    rtt_ms: float
    healthy: bool
    allowed: bool
    address: str


@dataclass(frozen=True)
class Explanation:
    """Why a name is answered as it is.

    `matched` is the prefix that put the asker in `location`; `candidates` are all regions, the
    nearest first; `served` those it is led to, since `since_s` (simulated seconds); `status` is
    the reply's code (or `no reply`), and `address`, `ttl_s` what an A query gets, if anything.
    """

    name: str
    location: str | None
    matched: Subnet | None
    candidates: tuple[Candidate, ...]
    served: tuple[str, ...]
    since_s: float
    policy: tuple[str, ...]
    status: str
    address: str | None
    ttl_s: int | None

    def lines(self) -> list[str]:
        """The explanation for a person, a statement a line."""
        by = f" (by {self.matched})" if self.matched else ""
        where = (
            f"in {self.location}{by}"
            if self.location
            else "in no location, as in the primary region"
        )
        answer = f"{self.address}, to be kept {self.ttl_s} s" if self.address else "no address"
        said = [f"{self.name} asked {where}", f"status   {self.status}", f"answer   {answer}"]
        said.append(f"served   {', '.join(self.served) or 'nowhere'}, since {self.since_s:.1f} s")
        for number, candidate in enumerate(self.candidates, 1):
            notes = ["healthy" if candidate.healthy else "unhealthy"]
            notes += [] if candidate.allowed else ["not allowed here"]
            notes += ["answered"] if candidate.address == self.address else []
            said.append(
                f"{'regions' if number == 1 else '':9}{number}. {candidate.region}"
                f" {candidate.rtt_ms:7.1f} ms  {candidate.address}  {', '.join(notes)}"
            )
        said += [f"{'' if i else 'policy':9}{text}" for i, text in enumerate(self.policy)]
        return said


@dataclass(frozen=True)
class ResolverState:
    """What a resolver goes by at the moment.

    `due_in_s` is how soon a check may change what a location is told; None for a fixed TTL.
    """

    healthy: frozenset[str]
    frozen: frozenset[str]
    wrong: Mapping[str | None, Outlook]
    due_in_s: Callable[[str | None], float | None]


def explain(
    name: str,
    place: str | None,
    *,
    topology: Topology,
    plan: AddressPlan,
    authority: ZoneAuthority,
    prefixes: Prefixes,
    standing: ResolverState,
) -> Explanation:
    """Explain what `name` is answered with, asked from a location, an address or a subnet."""
    location, matched = _locate(place, topology, prefixes)
    allowed = allowed_regions(topology, location)
    candidates = tuple(
        Candidate(
            code,
            round_trip_ms(topology, location, code),
            code in standing.healthy,
            code in allowed,
            (plan.link(location, code) if location else plan.edge(code)).host,
        )
        for code in preferred_regions(topology, location)
    )
    status, address, ttl_s = _ask(authority, name, location)
    view = authority.views[location]
    policy = _policy(topology, location, allowed, standing.healthy)
    due = standing.due_in_s(location)
    if due is not None:
        bounds = f"{topology.routing.min_ttl_s:g} to {topology.routing.ttl_s:g} s"
        when = f"in {due:.1f} s" if due < math.inf else "never"
        policy.append(f"a check may change this {when}: the TTL ends then ({bounds})")
    if location in standing.wrong:
        policy.append(f"the location is told {standing.wrong[location].value} by a fault")
    if location in standing.frozen:
        policy.append("the location's answers are frozen: health changes nothing")
    if authority.silent & {None, location}:
        policy.append("the resolver is out for this location: it answers nothing")
    return Explanation(
        name,
        location,
        matched,
        candidates,
        view.regions,
        view.since_s,
        tuple(policy),
        status,
        address,
        ttl_s,
    )


def _locate(
    place: str | None, topology: Topology, prefixes: Prefixes
) -> tuple[str | None, Subnet | None]:
    if place is None or place in topology.locations:
        return place, None
    subnet = as_subnet(place)
    if subnet is None:
        close = difflib.get_close_matches(place, topology.locations, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        known = ", ".join(topology.locations)
        message = f"{place!r} is no location ({known}), address or subnet{hint}"
        raise InputError(Problem(message))
    address = subnet.network_address
    return prefixes.find(address).location, prefixes.declared(address)


def _ask(
    authority: ZoneAuthority, name: str, location: str | None
) -> tuple[str, str | None, int | None]:
    try:
        packet = bytes(DNSRecord.question(name).pack())
    except (DNSError, DNSLabelError, ValueError) as error:
        allowed = "labels of 1 to 63 octets between dots, at most 255 in all"
        raise InputError(Problem(f"{name!r} is no domain name ({allowed})")) from error
    reply = authority.reply(packet, location, _NOWHERE)
    if reply is None:
        return "no reply", None, None
    record = DNSRecord.parse(reply)
    status = str(RCODE.get(record.header.rcode))
    answer = next(iter(record.rr), None)
    return (status, str(answer.rdata), int(answer.ttl)) if answer else (status, None, None)


_ALL_DOWN = {
    "all": "none of its regions is healthy: all are answered as if they were (all_down: all)",
    "last_good": "none of its regions is healthy: the last good answer stays (all_down: last_good)",
    "none": "none of its regions is healthy: no address is answered (all_down: none)",
    "servfail": "none of its regions is healthy: a failure is answered (all_down: servfail)",
}


def _policy(
    topology: Topology, location: str | None, allowed: tuple[str, ...], healthy: frozenset[str]
) -> list[str]:
    routing = topology.routing
    if routing.mode == "anycast":
        return ["anycast: the nearest region is answered, whatever its health"]
    said = ["geodns: the nearest healthy region is answered"]
    if routing.when_none_local == "refuse":
        named = [policy.name for policy in topology.residency if location in policy.locations]
        why = f"residency policy {', '.join(named)}" if named else "its continent"
        said.append(f"when_none_local: refuse keeps it in {', '.join(allowed)} ({why})")
    if not healthy.intersection(allowed):
        said.append(_ALL_DOWN[routing.all_down])
    return said
