"""Fly's private names below `.internal`, as a machine of one region sees them. Pure.

Who is answered depends on the machines' *state* and not on their health: one that is started and
fails its checks stays in it, one that is stopped is not in it. There are AAAA records alone, as at
Fly; the addresses are mapped IPv4 ones, because loopback has one IPv6 address of its own.

    APP.internal, global.APP.internal     all that are started, in all regions
    REGION.APP.internal                   those of a region
    topN.nearest.of.APP.internal          the N nearest to who asks
    ID.vm.APP.internal                    one machine
    GROUP.process.APP.internal            those of a process group
    VALUE.KEY.kv._metadata.APP.internal   those with that metadata
    vms.APP.internal, regions.APP.internal, _apps.internal, _instances.internal    in words (TXT);
        with `all.` before it, of all that there are, whatever their state
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from dnslib import AAAA, CLASS, QTYPE, RR, SOA, TXT

from sim.routing.dns import wire
from sim.routing.dns.zone import Builder, Labels, Template, labels_of, labels_of_wire, txt_strings

TTL_S = 5  # what Fly's answers have
_DOMAIN = (b"internal",)
_CLASS_IN = int(CLASS.IN)
# Below the app's name; they are there for the names below them.
_WITHOUT_RECORDS = {
    ("vm",),
    ("process",),
    ("of",),
    ("nearest", "of"),
    ("_metadata",),
    ("kv", "_metadata"),
}
_TOP = re.compile(r"top([1-9]\d{0,3})")


@dataclass(frozen=True)
class Resident:
    """A machine as its names know it."""

    id: str
    region: str
    address: str
    started: bool = True
    group: str = "app"
    metadata: Mapping[str, str] = field(default_factory=dict)


class InternalZone:
    """The names of one app. `distance` orders regions by how far they are from one."""

    def __init__(
        self, app: str, regions: Sequence[str], distance: Callable[[str, str], float]
    ) -> None:
        self._app = app
        self._regions = tuple(regions)
        self._distance = distance
        self._own = labels_of(f"{app}.internal")
        self._soa = SOA(b"internal", b"hostmaster.internal", (1, 3600, 60, 86400, TTL_S))

    def answer(self, key: bytes, region: str, residents: Sequence[Resident]) -> Template:
        """The answer to a question (as `wire.Query.key`) that a machine of that region asks."""
        name, rtype = labels_of_wire(key[:-4]), int.from_bytes(key[-4:-2], "big")
        soa = RR(_DOMAIN, QTYPE.SOA, _CLASS_IN, TTL_S, self._soa)
        build = Builder(name, rtype, int.from_bytes(key[-2:], "big"))
        found = () if name == _DOMAIN else self._find(name, region, residents)
        if found is None:
            return build.denied(soa, wire.NXDOMAIN, tailored=True)
        if name == _DOMAIN:
            records = [soa]
        elif isinstance(found, str):
            records = [RR(name, QTYPE.TXT, _CLASS_IN, TTL_S, TXT(txt_strings(found)))]
        else:
            records = [
                RR(name, QTYPE.AAAA, _CLASS_IN, TTL_S, AAAA(tuple(IPv6Address(one.address).packed)))
                for one in found
            ]
        same = [record for record in records if rtype in (record.rtype, int(QTYPE.ANY))]
        return build.found(same, tailored=True) if same else build.denied(soa, 0, tailored=True)

    def _find(
        self, name: Labels, region: str, residents: Sequence[Resident]
    ) -> str | Sequence[Resident] | None:
        """The text or the machines at a name; None where there is no such name.

        One that is there only because names below it are has neither (RFC 8020).
        """
        every = name[0] == b"all"
        rest = name[1:] if every else name
        told = [one for one in residents if one.started or every]
        if rest == (b"_apps", *_DOMAIN):
            return self._app
        if rest == (b"_instances", *_DOMAIN):
            return ";".join(
                f"instance={one.id},app={self._app},ip={one.address},region={one.region}"
                for one in told
            )
        if rest[-2:] != self._own:
            return None
        below = rest[:-2]
        if below == (b"vms",):
            return ",".join(f"{one.id} {one.region}" for one in told)
        if below == (b"regions",):
            return ",".join(dict.fromkeys(one.region for one in told))
        return None if every else self._machines(below, region, told)

    def _machines(
        self, below: Labels, region: str, told: Sequence[Resident]
    ) -> Sequence[Resident] | None:
        words = [label.decode("ascii", "replace") for label in below]
        match words:
            case [] | ["global"]:
                return told
            case [code] if code in self._regions:
                return [one for one in told if one.region == code]
            case [top, "nearest", "of"] if match := _TOP.fullmatch(top):
                near = sorted(told, key=lambda one: self._distance(region, one.region))
                return near[: int(match[1])]
        if tuple(words) in _WITHOUT_RECORDS or _is_key(words, told):
            return ()
        return [one for one in told if _is_named(one, words)] or None


def _is_key(words: Sequence[str], told: Sequence[Resident]) -> bool:
    """Whether it is a key of metadata, below which its values are."""
    match words:
        case [key, "kv", "_metadata"]:
            return any(key in map(str.lower, one.metadata) for one in told)
    return False


def _is_named(one: Resident, words: Sequence[str]) -> bool:
    """Whether a machine is among those that a name below the app's means."""
    match words:
        case [machine_id, "vm"]:
            return one.id == machine_id
        case [group, "process"]:
            return one.group.lower() == group
        case [value, key, "kv", "_metadata"]:
            found = {k.lower(): v.lower() for k, v in one.metadata.items()}
            return found.get(key) == value
    return False
