"""The nameservers of machines: each region's answers for `.internal`, by what runs now.

Other names are answered as to someone in no location.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dnslib import QTYPE

from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.runtime import MachineSpec
from sim.observe.events.mishaps import PrivateNameAsked
from sim.observe.journal import Journal
from sim.routing.dns import wire
from sim.routing.dns.internal import InternalZone, Resident
from sim.routing.dns.nameserver import NameServer, ask
from sim.routing.dns.zone import labels_of_wire
from sim.routing.resolver import Resolver
from sim.routing.router import round_trip_ms
from sim.topology.model import Topology

_ADDRESSES = {int(QTYPE.A): "A", int(QTYPE.AAAA): "AAAA"}
_OWN = "_apps.internal"  # a text: whoever asks for its address is the simulator's own upkeep
_MOST_TOLD = 100  # names that do not exist are numberless


class InternalNames:
    """Listens for a world's machines. `address_of` is where a machine's siblings reach it."""

    def __init__(
        self,
        topology: Topology,
        fleet: Fleet,
        resolver: Resolver,
        address_of: Callable[[MachineSpec], str],
        journal: Journal,
    ) -> None:
        self._topology = topology
        self._fleet = fleet
        self._resolver = resolver
        self._address_of = address_of
        self._journal = journal
        self._asked: set[PrivateNameAsked] = set()
        self._zone = InternalZone(
            topology.app, tuple(topology.regions), lambda a, b: round_trip_ms(topology, a, b)
        )
        self._server: NameServer | None = None
        self._hosts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<InternalNames of {', '.join(self._hosts.values()) or 'no region yet'}>"

    async def start(self, host_of: Callable[[str], str]) -> Mapping[str, str]:
        """Listen at `host_of(region)`; returns where each region's machines ask, with the port.

        Raises EnvironmentLacksError.
        """
        asked = {region: host_of(region) for region in self._topology.regions}
        for region, host in asked.items():  # regions of another host ask at one address of this
            self._hosts.setdefault(host, region)
        server = NameServer(self._hosts, None, self._reply)
        await server.start()
        self._server = server
        return {region: f"{host}:{server.port}" for region, host in asked.items()}

    async def stop(self) -> None:
        """Close every socket."""
        if self._server:
            await self._server.stop()

    async def ping(self) -> None:
        """Ask it for a name that machines have no use for. Raises OSError where nobody answers."""
        assert self._server is not None  # noqa: S101 - it is watched once it was started
        await ask(next(iter(self._hosts)), self._server.port, _OWN)

    async def restart(self) -> None:
        """Close whatever is still open, and listen again."""
        await self.stop()
        if self._server:
            await self._server.start()

    def _reply(
        self, packet: bytes, region: str | None, source: str, transport: wire.Transport
    ) -> bytes | None:
        query = wire.scan(packet)
        if not isinstance(query, wire.Query) or not query.key[:-5].endswith(b"\x08internal"):
            return self._resolver.reply(packet, source, transport)
        self._tell(query.key, region or "")
        template = self._zone.answer(query.key, region or "", self._residents())
        reply = template.reply(packet, query.end, opt := wire.PLAIN_OPT if query.opt else b"")
        limit = wire.read_opt(query.opt).udp_size if transport == "udp" else wire.TCP_LIMIT
        return reply if len(reply) <= limit else wire.truncated(reply, query.end, opt)

    def _tell(self, key: bytes, region: str) -> None:
        """Journal who asks for addresses, once for each name and type."""
        kind = _ADDRESSES.get(int.from_bytes(key[-4:-2], "big"))
        name = b".".join(labels_of_wire(key[:-4])).decode("ascii", "replace")
        if kind is None or name == _OWN or len(self._asked) >= _MOST_TOLD:
            return
        asked = PrivateNameAsked(region, name, kind)
        if asked not in self._asked:
            self._asked.add(asked)
            self._journal.write(asked)

    def _residents(self) -> list[Resident]:
        return [
            Resident(
                machine.id,
                machine.region,
                self._address_of(machine.spec),
                machine.state is State.STARTED,
                machine.config.process_group,
                machine.config.metadata,
            )
            for machine in self._fleet.machines.values()
        ]
