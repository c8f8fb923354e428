"""EDNS Client Subnet (RFC 7871), read strictly, and the prefixes that locations are known by.

The prefixes are cut into disjoint ones, so that the scope of an answer is the shortest prefix
within which every address gets that same answer: no resolver's cache is split further than it
must be, and no two scopes ever overlap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple

from sim.topology.addresses import AddressPlan
from sim.topology.model import Subnet, Topology

_WIDTHS = {1: 32, 2: 128}  # address families of RFC 7871: IPv4, IPv6
_FIXED = 4  # octets before the address


class MalformedSubnetError(ValueError):
    """An ECS option that the RFC does not allow in a query."""


def parse_subnet(option: bytes) -> Subnet:
    """The subnet that an ECS option names. Raises MalformedSubnetError."""
    if len(option) < _FIXED:
        raise MalformedSubnetError("shorter than its fixed part")
    width = _WIDTHS.get(option[0] << 8 | option[1])
    length, scope, octets = option[2], option[3], option[_FIXED:]
    if width is None:
        raise MalformedSubnetError("neither IPv4 nor IPv6")
    if scope:
        raise MalformedSubnetError("a query's scope is 0")
    if length > width or len(octets) != (length + 7) // 8:
        raise MalformedSubnetError("the prefix length does not fit the address")
    value = int.from_bytes(octets.ljust(width // 8, b"\0"), "big")
    if value & ((1 << (width - length)) - 1):
        raise MalformedSubnetError("bits are set beyond the prefix length")
    return IPv4Network((value, length)) if width == _WIDTHS[1] else IPv6Network((value, length))


class Leaf(NamedTuple):
    """A prefix within which every address is in the same location, or in none."""

    start: int
    length: int
    location: str | None


class Prefixes:
    """Which location an address belongs to, by the longest prefix, and how far that holds."""

    def __init__(self, pairs: Iterable[tuple[Subnet, str]]) -> None:
        self._declared = sorted(pairs, key=lambda pair: -pair[0].prefixlen)
        self._leaves: dict[int, list[Leaf]] = {}
        self._starts: dict[int, list[int]] = {}
        for version, width in ((4, 32), (6, 128)):
            leaves = _disjoint(
                Leaf(0, 0, None),
                [
                    Leaf(int(subnet.network_address), subnet.prefixlen, name)
                    for subnet, name in self._declared
                    if subnet.version == version
                ],
                width,
            )
            self._leaves[version] = leaves
            self._starts[version] = [leaf.start for leaf in leaves]

    @classmethod
    def of(cls, topology: Topology, plan: AddressPlan) -> Prefixes:
        """The declared prefixes of the locations, and their loopback networks in this world."""
        pairs: list[tuple[Subnet, str]] = []
        for name, location in topology.locations.items():
            pairs += [(subnet, name) for subnet in location.subnets]
            pairs.append((plan.network(name), name))
        return cls(pairs)

    def find(self, address: IPv4Address | IPv6Address) -> Leaf:
        """The disjoint prefix that holds an address; its `length` is the scope of the answer."""
        number = bisect_right(self._starts[address.version], int(address)) - 1
        return self._leaves[address.version][number]

    def declared(self, address: IPv4Address | IPv6Address) -> Subnet | None:
        """The longest prefix of the topology that holds an address."""
        return next((subnet for subnet, _ in self._declared if address in subnet), None)


def _disjoint(leaf: Leaf, below: list[Leaf], width: int) -> list[Leaf]:
    """Cut `leaf` so that each part has one location: its own, or that of an entry `below` it."""
    here = next((entry for entry in below if entry.length == leaf.length), leaf)
    below = [entry for entry in below if entry.length > leaf.length]
    if not below:
        return [leaf._replace(location=here.location)]
    bit = 1 << (width - leaf.length - 1)
    halves = [
        _disjoint(
            Leaf(leaf.start | start, leaf.length + 1, here.location),
            [entry for entry in below if entry.start & bit == start],
            width,
        )
        for start in (0, bit)
    ]
    merged = [*halves[0], *halves[1]]
    if len(merged) == len(halves) and merged[0].location == merged[1].location:
        return [leaf._replace(location=merged[0].location)]
    return merged


def as_subnet(text: str) -> Subnet | None:
    """The address or prefix that a text names, or None where it names neither."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
