"""A second door of the resolver: for a location's clients in a network of their own.

They are told the same regions as the location's other clients, at other addresses: those by which
that network reaches them. Whatever befalls the resolver (health, outages, answers that are held)
holds here too, since nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sim.routing.dns.nameserver import NameServer
from sim.routing.dns.subnet import Prefixes
from sim.routing.dns.wire import Transport
from sim.routing.dns.zone import View, Zone
from sim.routing.dns.zone_authority import ZoneAuthority


class _Mirror(Mapping[str | None, View]):
    """The views that an authority has now, without the answers that it has encoded."""

    def __init__(self, main: ZoneAuthority) -> None:
        self._main = main

    def __getitem__(self, place: str | None) -> View:
        return replace(self._main.views[place], cache={})

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._main.views)

    def __len__(self) -> int:
        return len(self._main.views)


class ContainerNameserver:
    """Answers at `host` as `main` does for `location`, with the addresses of `zone`."""

    def __init__(
        self,
        main: ZoneAuthority,
        zone: Zone,
        prefixes: Prefixes,
        location: str,
        where: tuple[str, int],
    ) -> None:
        self._main = main
        self._authority = ZoneAuthority(zone, prefixes, _Mirror(main), main.counters)
        host, port = where
        self.server = NameServer({host: location}, port, self._reply)

    def _reply(
        self, packet: bytes, asked: str | None, source: str, transport: Transport
    ) -> bytes | None:
        self._authority.silent = self._main.silent
        return self._authority.reply(packet, asked, source, transport)
