"""From a query's octets to the reply's: pure, so that every rule can be tested without a socket.

Three tables make it fast, and none of them outgrows its bound: a client subnet is looked up and
its reply's OPT record encoded once; an answer is encoded once for each location and question, or
once for all; a change of health swaps the views of the locations that it concerns and forgets
nothing else. A query that differs from an earlier one in its id, case and cookie alone is not even
parsed: its parts are found in those tables as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import NamedTuple, TypeVar

from sim.routing.dns import wire
from sim.routing.dns.dns_counters import Counters, Tally
from sim.routing.dns.subnet import MalformedSubnetError, Prefixes, parse_subnet
from sim.routing.dns.zone import Ready, View, Zone

T = TypeVar("T")

_KNOWN_CLIENTS = 8192
_CACHED_ANSWERS = 512  # of one view, and of all together: names that do not exist are numberless
_COOKIE, _COOKIE_SIZE = b"\0\x0a\0\x08", 12  # a client's own, of 8 octets (RFC 7873, 4.1)
_OCTETS = [bytes((octet,)) for octet in range(256)]
_IGNORED = (0x00, 0x10, 0x20, 0x30)  # AD and CD, in the fourth octet of a header


class _Client(NamedTuple):
    """What a query's OPT record says: where the client is, and how to reply.

    `limit` is of replies over UDP. `tailored` and `common` are the OPT records for an answer that
    holds for the client's subnet, and for one that holds for everyone.
    """

    location: str | None
    limit: int
    tailored: bytes
    common: bytes
    tally: Tally


class ZoneAuthority:
    """The name server of a zone, without its sockets.

    `views` has one for each location and one for None. It may be replaced at any time. Locations
    in `silent` get no answer; None among them silences the whole server.
    """

    def __init__(
        self,
        zone: Zone,
        prefixes: Prefixes,
        views: Mapping[str | None, View],
        counters: Counters | None = None,
    ) -> None:
        self.views = views
        self.silent: frozenset[str | None] = frozenset()
        self.counters = counters or Counters()
        self._zone = zone
        self._prefixes = prefixes
        self._common: dict[bytes, Ready] = {}
        plain = _Client(None, wire.PLAIN_LIMIT, b"", b"", self.counters.plain)
        self._without_edns = {b"": plain}
        self._with_edns: dict[bytes, _Client] = {}
        # Octets 2 to 12 of an ordinary query: which of a template's heads it gets, and the table
        # that knows what follows its question.
        self._usual = {
            bytes((rd, ignored, 0, 1, 0, 0, 0, 0, 0, edns)): (rd | edns << 1, table)
            for rd in (0, 1)
            for ignored in _IGNORED
            for edns, table in enumerate((self._without_edns, self._with_edns))
        }

    def reply(
        self,
        packet: bytes,
        asked: str | None,
        source: str,
        transport: wire.Transport = "udp",
        *,
        alone: bool = True,
    ) -> bytes | None:
        """The reply to a packet from `source` at the nameserver of location `asked`, or None.

        `alone`: whoever asks has no other nameserver, unless it is one itself.
        """
        if self.silent:
            if None in self.silent or asked in self.silent:
                self.counters.silenced.count += 1
                return None
        elif ready := self._ready(packet, asked):
            return ready
        return self._work_out(packet, asked, source, transport, alone=alone)

    def _ready(self, packet: bytes, asked: str | None) -> bytes | None:
        """The reply to a query that is like an earlier one, or None to have it worked out.

        What stands in the tables is well-formed, and so is a packet whose parts equal that.
        """
        usual = self._usual.get(packet[2:12])
        if usual is None:
            return None
        variant, clients = usual
        end = packet.find(0, wire.HEADER) + 5
        client = clients.get(packet[end:]) or _find_bare(clients, packet[end:])
        location = client and (client.location or asked)
        if client is None or location is None:
            return None
        question = packet[wire.HEADER : end]
        cache = self.views[location].cache
        ready = cache.get(question) or self._common.get(question)
        if ready is None:
            key = question[:-4].lower() + question[-4:]
            ready = cache.get(key) or self._common.get(key)
            if ready is None:
                return None
        _, limit, tailored, common, asking = client
        (heads, tail, is_tailored), answering = ready
        opt = tailored if is_tailored else common
        reply = b"".join((packet[:2], heads[variant], question, tail, opt))
        if len(reply) > limit:
            return None
        asking.count += 1
        answering.count += 1
        return reply

    def _work_out(
        self,
        packet: bytes,
        asked: str | None,
        source: str,
        transport: wire.Transport,
        *,
        alone: bool = True,
    ) -> bytes | None:
        query = wire.scan(packet)
        if query is None:
            self.counters.no_query.count += 1
            return None
        if isinstance(query, wire.Rejection):
            return self._reject(packet, query)
        client = self._client(query.opt)
        if client is None:
            return self._reject(packet, wire.Rejection(wire.FORMERR, query.end, edns=True))
        location = client.location or asked or self._prefixes.find(IPv4Address(source)).location
        if location in self.silent:
            self.counters.silenced.count += 1
            return None
        view = self.views[location]
        template, tally = (
            self._answer(query.key, view)
            if self._zone.holds(query.key)
            else self._foreign(query.key, stub=alone and bool(packet[2] & 1))
        )
        tally.count += 1
        client.tally.count += 1
        opt = client.tailored if template.tailored else client.common
        limit = client.limit if transport == "udp" else wire.TCP_LIMIT
        reply = template.reply(packet, query.end, opt)
        if len(reply) <= limit:
            return reply
        self.counters.truncated.count += 1
        return wire.truncated(reply, query.end, opt)

    def _reject(self, packet: bytes, why: wire.Rejection) -> bytes:
        self.counters.errors[why.rcode].count += 1
        return wire.rejection(packet, why)

    def _answer(self, key: bytes, view: View) -> Ready:
        ready = view.cache.get(key) or self._common.get(key)
        if ready is None:
            template = self._zone.answer(key, view)
            where = (view.location, next(iter(view.regions), None))
            location, region = where if template.tailored else (None, None)
            rtype = int.from_bytes(key[-4:-2], "big")
            ready = template, self.counters.answer(location, region, rtype, template.rcode)
            self.counters.encoded.count += 1
            _remember(
                view.cache if template.tailored else self._common, key, ready, _CACHED_ANSWERS
            )
        return ready

    def _foreign(self, key: bytes, *, stub: bool) -> Ready:
        """Not kept: such names are numberless, and what is answered depends on who asks."""
        template = self._zone.foreign(key, stub=stub)
        rtype = int.from_bytes(key[-4:-2], "big")
        self.counters.encoded.count += 1
        return template, self.counters.answer(None, None, rtype, template.rcode)

    def _client(self, opt: bytes) -> _Client | None:
        """What an OPT record (a `Query.opt`) says; None where its subnet is malformed."""
        known = (self._with_edns if opt else self._without_edns).get(opt)
        if known:
            return known
        size, wants_dnssec, option = wire.read_opt(opt)
        if option is None:
            location, tally = None, self.counters.edns
            records = (wire.PLAIN_OPT, wire.PLAIN_OPT)
        else:
            try:
                location, scope = self._place(option)
            except MalformedSubnetError:
                return None
            tally = self.counters.subnet
            records = (wire.subnet_opt(option, scope), wire.subnet_opt(option, 0))
        if wants_dnssec:
            records = (wire.with_dnssec_ok(records[0]), wire.with_dnssec_ok(records[1]))
        client = _Client(location, size, *records, tally)
        _remember(self._with_edns, opt, client, _KNOWN_CLIENTS)
        return client

    def _place(self, option: bytes) -> tuple[str | None, int]:
        """The location of a client subnet, and the scope of what is answered to it."""
        network = parse_subnet(option)
        if not network.prefixlen:
            # The client wants its subnet kept out of it (RFC 7871, 7.1.2).
            return None, 0
        leaf = self._prefixes.find(network.network_address)
        # Scope 0 would mean every network, of the other address family too (RFC 7871, 7.3.1).
        return leaf.location, max(1, leaf.length)


def _find_bare(clients: Mapping[bytes, _Client], opt: bytes) -> _Client | None:
    """The client of an OPT record that also has options that are not heeded, such as a cookie."""
    if opt[11:15] == _COOKIE and len(opt) == 11 + opt[10] >= 11 + _COOKIE_SIZE:
        # The usual case, apart because it is twice as fast.
        bare = opt[:10] + _OCTETS[opt[10] - _COOKIE_SIZE] + opt[11 + _COOKIE_SIZE :]
        if client := clients.get(bare):
            return client
    try:
        return clients.get(wire.heeded(opt))
    except wire.MalformedError:
        return None


def _remember(table: dict[bytes, T], key: bytes, value: T, bound: int) -> None:
    """Keep a value; random keys push out the whole table rather than grow it."""
    if len(table) >= bound:
        table.clear()
    table[key] = value
