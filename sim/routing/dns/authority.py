"""From a query's octets to the reply's: pure, so that every rule can be tested without a socket.

Three tables make it fast, and none of them outgrows its bound: a client subnet is looked up and
its reply's OPT record encoded once; an answer is encoded once for each location and question; a
change of health swaps the views of the locations that it concerns and forgets nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import NamedTuple

from sim.routing.dns import wire
from sim.routing.dns.subnet import MalformedSubnetError, Prefixes, parse_subnet
from sim.routing.dns.zone import View, Zone

_KNOWN_SUBNETS = 8192


class _Subnet(NamedTuple):
    """A client subnet's location, and the OPT records that echo it: tailored, and for everyone."""

    location: str | None
    tailored: bytes
    common: bytes


_NO_EDNS = _Subnet(None, b"", b"")
_NO_SUBNET = _Subnet(None, wire.PLAIN_OPT, wire.PLAIN_OPT)


class Authority:
    """The name server of a zone, without its sockets.

    `views` has one for each location and one for None. It may be replaced at any time. Locations
    in `silent` get no answer; None among them silences the whole server.
    """

    def __init__(self, zone: Zone, prefixes: Prefixes, views: Mapping[str | None, View]) -> None:
        self.views = views
        self.silent: frozenset[str | None] = frozenset()
        self._zone = zone
        self._prefixes = prefixes
        self._subnets: dict[bytes, _Subnet] = {}

    def reply(
        self, packet: bytes, asked: str | None, source: str, transport: wire.Transport = "udp"
    ) -> bytes | None:
        """The reply to a packet from `source` at the nameserver of location `asked`, or None."""
        silent = self.silent
        if silent and (None in silent or asked in silent):
            return None
        query = wire.scan(packet)
        if query is None:
            return None
        if isinstance(query, wire.Rejection):
            return wire.rejection(packet, query)
        if query.subnet is None:
            subnet = _NO_SUBNET if query.udp_size else _NO_EDNS
        else:
            known = self._subnets.get(query.subnet) or self._learn(query.subnet)
            if known is None:
                return wire.rejection(packet, wire.Rejection(wire.FORMERR, query.end, edns=True))
            subnet = known
        location = subnet.location or asked or self._prefixes.find(IPv4Address(source)).location
        if silent and location in silent:
            return None
        view = self.views[location]
        template = view.cache.get(query.key)
        if template is None:
            template = self._zone.answer(query.key, view)
            view.remember(query.key, template)
        opt = subnet.tailored if template.tailored else subnet.common
        if query.wants_dnssec:
            opt = wire.with_dnssec_ok(opt)
        limit = (query.udp_size or wire.PLAIN_LIMIT) if transport == "udp" else wire.TCP_LIMIT
        return template.reply(packet, query, opt, limit)

    def _learn(self, option: bytes) -> _Subnet | None:
        """Look a client subnet up; None where the option is malformed."""
        try:
            network = parse_subnet(option)
        except MalformedSubnetError:
            return None
        if network.prefixlen:
            leaf = self._prefixes.find(network.network_address)
            # Scope 0 would mean every network, of the other address family too (RFC 7871, 7.3.1).
            location, scope = leaf.location, max(1, leaf.length)
        else:
            # The client wants its subnet kept out of it (RFC 7871, 7.1.2).
            location, scope = None, 0
        code = bytes((0, wire.ECS_OPTION, 0, len(option)))
        tailored, common = (
            wire.opt_record(code + option[:3] + bytes((scope,)) + option[4:])
            for scope in (scope, 0)
        )
        if len(self._subnets) >= _KNOWN_SUBNETS:
            self._subnets.clear()
        self._subnets[option] = known = _Subnet(location, tailored, common)
        return known
