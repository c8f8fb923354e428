"""The zone: which names there are, and the answer to a question as one location sees it.

The zone is the topology's domain. In it is the application's name (A: the way to the region that
serves the location; TXT: the regions in order), and below that `ns`, this server. There is
nothing at any other name or type. dnslib encodes; an answer is encoded once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import NamedTuple

from dnslib import CLASS, NS, QTYPE, RR, SOA, TXT, A, DNSHeader, DNSQuestion, DNSRecord

from sim.routing.dns import wire
from sim.routing.dns.dns_counters import Tally

NEGATIVE_TTL_S = 5  # how long a "no" may be believed: shorter than any failover takes
_STATIC_TTL_S = 3600  # of what never changes while a world runs
_CLASS_IN = int(CLASS.IN)
_ANY = int(QTYPE.ANY)
_META_TYPES = range(128, _ANY)  # transfers, keys, signatures: not data (RFC 6895, 3.1)
_TXT_STRING = 255

Labels = tuple[bytes, ...]


class Outlook(Enum):
    """What a location is told at the application's name."""

    ADDRESS = "address"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    NXDOMAIN = "nxdomain"


class Template(NamedTuple):
    """A reply without what differs from query to query: id, RD, case of the question, and OPT.

    `heads` are octets 2 to 12, by RD and EDNS (see `_heads`); `tail` is what follows the question.
    `tailored` says that other locations may get another answer.
    """

    heads: tuple[bytes, bytes, bytes, bytes]
    tail: bytes
    tailored: bool

    @property
    def rcode(self) -> int:
        """The reply's code."""
        return self.heads[0][1] & 15

    def reply(self, packet: bytes, end: int, opt: bytes) -> bytes:
        """The reply to a query whose question ends at `end` and is what this answers."""
        head = self.heads[(packet[2] & 1) | (2 if opt else 0)]
        return b"".join((packet[:2], head, packet[wire.HEADER : end], self.tail, opt))


Ready = tuple[Template, Tally]
"""An answer that is encoded, and the counter of its kind."""


@dataclass(frozen=True)
class View:
    """What one location is told, and the answers encoded so far that others may not get.

    Swapped, never changed. `ttl_s` is of what depends on the location; `since_s` is when its
    regions became these, in simulated seconds.
    """

    location: str | None
    regions: tuple[str, ...]
    outlook: Outlook
    ttl_s: int = field(compare=False)
    since_s: float = field(default=0.0, compare=False)
    cache: dict[bytes, Ready] = field(default_factory=dict, compare=False, repr=False)


class Zone:
    """The records of one zone.

    `routes[location, region]` is the address at which a location reaches a region, `servers` the
    address of its nameserver; None is someone in no location. `answers` is how many regions an
    address record is given for, the preferred one first.
    """

    def __init__(
        self,
        domain: str,
        hostname: str,
        routes: Mapping[tuple[str | None, str], str],
        servers: Mapping[str | None, str],
        answers: int = 1,
    ) -> None:
        self._domain = labels_of(domain)
        self._host = labels_of(hostname)
        self._server = (b"ns", *self._host)
        self._routes = routes
        self._answers = answers
        self._servers = servers
        names = (self._domain, self._host, self._server)
        # Names that exist only because a name below them does have no records (RFC 8020).
        self._names = {name[i:] for name in names for i in range(len(name))}
        self._soa = SOA(
            self._server,
            (b"hostmaster", *self._domain),
            (1, _STATIC_TTL_S, 60, 86400, NEGATIVE_TTL_S),
        )

    def answer(self, key: bytes, view: View) -> Template:
        """The answer to a question (as `wire.Query.key`) in a view."""
        name = labels_of_wire(key[:-4])
        rtype, rclass = int.from_bytes(key[-4:-2], "big"), int.from_bytes(key[-2:], "big")
        build = Builder(name, rtype, rclass)
        if rclass != _CLASS_IN:
            return build.empty(wire.REFUSED)
        if rtype in _META_TYPES:
            return build.empty(wire.NOTIMP)
        if name == self._host and view.outlook is Outlook.SERVFAIL:
            return build.empty(wire.SERVFAIL, tailored=True)
        if name == self._host and view.outlook is Outlook.NXDOMAIN:
            return build.denied(self._denial(), wire.NXDOMAIN, tailored=True)
        records = self._records(name, view)
        wanted = [record for record in records if rtype in (record.rtype, _ANY)]
        if wanted:
            # To "everything" one set of records is an answer (RFC 8482, 4.1).
            same = [record for record in wanted if record.rtype == wanted[0].rtype]
            return build.found(same, tailored=name != self._domain)
        rcode = 0 if name in self._names else wire.NXDOMAIN
        withheld = name == self._host and view.outlook is Outlook.NODATA
        return build.denied(self._denial(), rcode, tailored=withheld)

    def holds(self, key: bytes) -> bool:
        """Whether the name that a question asks for is in the zone, or is the zone's own."""
        return labels_of_wire(key[:-4])[-len(self._domain) :] == self._domain

    def foreign(self, key: bytes, *, stub: bool) -> Template:
        """The answer to a question for a name that is not in the zone.

        Another resolver is refused, as authoritative servers do. A stub resolver, which wants
        recursion, takes this server for its way to all names, and in this network there are no
        others. musl passes a refusal over and waits until it has given up, and asks for its next
        search domain only once it was told that there is no such name.
        """
        rtype, rclass = int.from_bytes(key[-4:-2], "big"), int.from_bytes(key[-2:], "big")
        known = stub and rclass == _CLASS_IN and rtype not in _META_TYPES
        build = Builder(labels_of_wire(key[:-4]), rtype, rclass)
        return build.empty(wire.NXDOMAIN if known else wire.REFUSED)

    def _denial(self) -> RR:
        return RR(self._domain, QTYPE.SOA, _CLASS_IN, NEGATIVE_TTL_S, self._soa)

    def _records(self, name: Labels, view: View) -> list[RR]:
        if name == self._host:
            records = [RR(name, QTYPE.TXT, _CLASS_IN, view.ttl_s, TXT(_routing_text(view)))]
            if view.outlook is Outlook.ADDRESS:
                named = [self._routes[view.location, code] for code in view.regions]
                records[:0] = [
                    RR(name, QTYPE.A, _CLASS_IN, view.ttl_s, A(address))
                    for address in named[: self._answers]
                ]
            return records
        if name == self._server:
            address = self._servers[view.location]
            return [RR(name, QTYPE.A, _CLASS_IN, _STATIC_TTL_S, A(address))]
        if name == self._domain:
            return [
                RR(name, QTYPE.SOA, _CLASS_IN, _STATIC_TTL_S, self._soa),
                RR(name, QTYPE.NS, _CLASS_IN, _STATIC_TTL_S, NS(self._server)),
            ]
        return []


class Builder:
    """Encodes the reply to one question."""

    def __init__(self, name: Labels, rtype: int, rclass: int) -> None:
        self._question = DNSQuestion(list(name), rtype, rclass)

    def empty(self, rcode: int, *, tailored: bool = False) -> Template:
        """No records, and no authority over the name claimed."""
        heads = _heads(rcode, authoritative=False, counts=(0, 0))
        return Template(heads, b"", tailored)

    def found(self, records: list[RR], *, tailored: bool) -> Template:
        """These records."""
        heads = _heads(0, authoritative=True, counts=(len(records), 0))
        return Template(heads, self._encode(rr=records), tailored)

    def denied(self, soa: RR, rcode: int, *, tailored: bool) -> Template:
        """No such name or no such record, with the SOA that says for how long (RFC 2308)."""
        heads = _heads(rcode, authoritative=True, counts=(0, 1))
        return Template(heads, self._encode(auth=[soa]), tailored)

    def _encode(self, **sections: list[RR]) -> bytes:
        packed = bytes(DNSRecord(DNSHeader(), q=self._question, **sections).pack())
        bare = DNSRecord(DNSHeader(), q=self._question).pack()
        return packed[len(bare) :]


@cache
def _heads(
    rcode: int, *, authoritative: bool, counts: tuple[int, int]
) -> tuple[bytes, bytes, bytes, bytes]:
    plain, edns = (
        wire.reply_head(rcode, authoritative=authoritative, counts=counts, edns=edns)
        for edns in (False, True)
    )
    with_rd = [bytes((head[0] | 1,)) + head[1:] for head in (plain, edns)]
    return plain, with_rd[0], edns, with_rd[1]


def _routing_text(view: View) -> list[str]:
    return txt_strings(f"location={view.location or ''} regions={','.join(view.regions)}")


def txt_strings(text: str) -> list[str]:
    """A text as a TXT record holds it: in strings of 255 octets at most."""
    return [text[i : i + _TXT_STRING] for i in range(0, len(text), _TXT_STRING)]


def labels_of(name: str) -> Labels:
    """The labels of a name as people write it, in lower case."""
    return tuple(label.encode() for label in name.lower().rstrip(".").split("."))


def labels_of_wire(name: bytes) -> Labels:
    """The labels of a well-formed name as it stands in a question."""
    labels, at = [], 0
    while length := name[at]:
        labels.append(name[at + 1 : at + 1 + length])
        at += length + 1
    return tuple(labels)
