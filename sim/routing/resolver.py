"""The resolver of a world: what health says becomes what names are answered with.

It is asked at each location's nameserver address, where the location is known, and at the control
address, where it shows in the EDNS Client Subnet or in the source address, else is taken to be
the primary region's.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from sim.clock import Clock
from sim.observe.events import RoutingChanged
from sim.observe.journal import Journal
from sim.routing.container_nameserver import ContainerNameserver
from sim.routing.dns.dns_counters import Counts
from sim.routing.dns.nameserver import NameServer, ask
from sim.routing.dns.subnet import Prefixes
from sim.routing.dns.ttl import ShrinkingViews, bounded_ttl_s
from sim.routing.dns.wire import Transport
from sim.routing.dns.zone import Outlook, View, Zone
from sim.routing.dns.zone_authority import ZoneAuthority
from sim.routing.explain import Explanation, ResolverState, explain
from sim.routing.router import Router, deciding_regions
from sim.topology.addresses import AddressPlan
from sim.topology.model import Topology

Foresight = Callable[[str], float]
"""The earliest simulated instant at which a region may enter DNS or leave it; infinity: never."""

_WHEN_NOWHERE = {
    "all": Outlook.NODATA,  # only where the policies leave a location no region at all
    "last_good": Outlook.NODATA,  # only before anything was ever good
    "none": Outlook.NODATA,
    "servfail": Outlook.SERVFAIL,
}


class Resolver:
    """Answers for the topology's domain, by where the client is and by which regions are healthy.

    Until `serve` is first called every region counts as healthy. In anycast mode health changes
    nothing: a location is always led to its nearest region, whose edge finds a machine.
    """

    def __init__(
        self,
        topology: Topology,
        plan: AddressPlan,
        clock: Clock,
        journal: Journal,
        port: int | None = None,
    ) -> None:
        self._topology = topology
        self._plan = plan
        self._clock = clock
        self._journal = journal
        self._router = Router(topology)
        self._prefixes = Prefixes.of(topology, plan)
        self._healthy = frozenset(topology.regions)
        self._frozen: frozenset[str] = frozenset()
        self._wrong: Mapping[str | None, Outlook] = {}
        self._may_change_at: Foresight | None = None
        self._announced: dict[str, tuple[str, ...]] = {}
        self._places = deque((None, *topology.locations))
        self._authority = ZoneAuthority(_zone(topology, plan), self._prefixes, {})
        self._authority.views = self._views()
        hosts: dict[str, str | None] = {plan.nameserver(name): name for name in topology.locations}
        hosts[plan.control.host] = None
        self._server = NameServer(hosts, port, self._authority.reply)
        self._container_nameservers: list[ContainerNameserver] = []

    def __repr__(self) -> str:
        faults = [
            f"{word} {', '.join(sorted(map(str, places)))}"
            for word, places in (
                ("silent", self._authority.silent),
                ("frozen", self._frozen),
                ("misled", self._wrong),
            )
            if places
        ]
        healthy = ",".join(sorted(self._healthy)) or "no region"
        return f"<Resolver port {self.port}, {'; '.join([f'healthy {healthy}', *faults])}>"

    @property
    def port(self) -> int:
        """The port of every address, UDP and TCP; 0 before the start."""
        return self._server.port

    async def start(self) -> None:
        """Listen. Raises EnvironmentLacksError where that is impossible."""
        await self._server.start()

    async def stop(self) -> None:
        """Close every socket. May be called at any time, and again."""
        for server in self._servers():
            await server.stop()

    async def extend(self, location: str, host: str, routes: Mapping[str, str]) -> None:
        """Answer a location's clients at `host` too, where `routes` leads to the regions.

        For clients in a network of their own. Raises EnvironmentLacksError where nobody can listen.
        """
        zone = _zone(self._topology, self._plan, {location: (host, routes)})
        where = (host, self.port)
        nameserver = ContainerNameserver(self._authority, zone, self._prefixes, location, where)
        await nameserver.server.start()
        self._container_nameservers.append(nameserver)

    def _servers(self) -> list[NameServer]:
        return [self._server, *(nameserver.server for nameserver in self._container_nameservers)]

    async def ping(self) -> None:
        """Ask one of its addresses for the app, each in its turn. Raises OSError where nobody is.

        One that fails has its turn again; one that a fault keeps silent is passed over.
        """
        place = self._places[0]
        if not self._authority.silent & {None, place}:
            host = self._plan.nameserver(place) if place else self._plan.control.host
            await ask(host, self.port, self._topology.hostname)
        self._places.rotate(-1)

    async def restart(self) -> None:
        """Close whatever is still open, and listen again at the same port."""
        await self.stop()
        for server in self._servers():
            await server.start()

    # --- what is answered --------------------------------------------------------------------

    def reply(self, packet: bytes, source: str, transport: Transport) -> bytes | None:
        """The reply to a packet of a machine: it is in no location, and asks others too."""
        return self._authority.reply(packet, None, source, transport, alone=False)

    def serve(self, healthy_regions: Collection[str]) -> None:
        """Answer by this health from now on, and journal each location whose answer changed."""
        self._healthy = frozenset(healthy_regions)
        self._swap()

    def foresee(self, may_change_at: Foresight) -> None:
        """Let answers end when health may change, where the topology has `min_ttl`."""
        self._may_change_at = may_change_at
        self._authority.views = self._views()

    def counts(self) -> Counts:
        """What was asked and answered so far."""
        received = sum((server.received for server in self._servers()), Counter[Transport]())
        return self._authority.counters.counts(received)

    def regions(self, location: str | None) -> tuple[str, ...]:
        """The regions that a location is led to now, the preferred one first."""
        return self._authority.views[location].regions

    def explain(self, name: str, place: str | None = None) -> Explanation:
        """Why a name is answered as it is, asked from a location, an address or a subnet.

        None is someone in no location. Raises InputError for a place that is none of these.
        """
        return explain(
            name,
            place,
            topology=self._topology,
            plan=self._plan,
            authority=self._authority,
            prefixes=self._prefixes,
            standing=ResolverState(self._healthy, self._frozen, self._wrong, self._due_in_s),
        )

    # --- faults ------------------------------------------------------------------------------

    def outage(self, location: str | None = None) -> None:
        """Answer nothing to a location, or to anyone."""
        self._authority.silent |= {location}

    def restore(self, location: str | None = None) -> None:
        """End the outage of a location; without one, every outage."""
        silent = self._authority.silent
        self._authority.silent = frozenset() if location is None else silent - {location}

    def freeze(self, location: str) -> None:
        """Go on telling a location what it is told now, whatever health says."""
        self._frozen |= {location}

    def mislead(self, location: str, outlook: Outlook) -> None:
        """Answer a location in good health, and wrongly: that there is no such name, or address."""
        self._wrong = {**self._wrong, location: outlook}
        self._swap()

    def thaw(self, location: str) -> None:
        """Tell a frozen or misled location the truth again."""
        self._frozen -= {location}
        self._wrong = {place: said for place, said in self._wrong.items() if place != location}
        self._swap()

    # --- the table ---------------------------------------------------------------------------

    def _swap(self) -> None:
        self._authority.views = views = self._views()
        for name in self._topology.locations:
            regions = views[name].regions
            if self._announced.get(name) != regions:
                self._announced[name] = regions
                self._journal.write(RoutingChanged(name, regions))

    def _views(self) -> Mapping[str | None, View]:
        views = {place: self._view(place) for place in (None, *self._topology.locations)}
        if self._may_change_at is None or self._topology.routing.min_ttl_s is None:
            return views
        return ShrinkingViews(views, self._ttl_s, self._clock)

    def _view(self, place: str | None) -> View:
        """A location's view by the present health: the old one, with its cache, if it still holds.

        A view that changes nothing is kept, so a flip costs only the locations that it moves.
        """
        routing = self._topology.routing
        before = self._authority.views.get(place)
        if before and place in self._frozen:
            return before
        anycast = routing.mode == "anycast"
        regions = self._router.route(self._topology.regions if anycast else self._healthy, place)
        outlook = Outlook.ADDRESS if regions else _WHEN_NOWHERE[routing.all_down]
        if not regions and before and routing.all_down == "last_good":
            return before
        if place in self._wrong:
            regions, outlook = (), self._wrong[place]
        view = View(place, regions, outlook, math.ceil(routing.ttl_s), self._clock.now())
        return before if before == view else view

    def _ttl_s(self, view: View) -> int:
        """How long what a view says may be kept, asked now."""
        due_in_s = self._due_in_s(view.location)
        if due_in_s is None:
            return view.ttl_s
        routing = self._topology.routing
        return bounded_ttl_s(due_in_s, routing.min_ttl_s or 0.0, routing.ttl_s)

    def _due_in_s(self, place: str | None) -> float | None:
        """How soon a check may change what a location is told; None where its TTL is fixed."""
        routing, may_change_at = self._topology.routing, self._may_change_at
        fixed = routing.min_ttl_s is None or routing.mode == "anycast"
        fixed = fixed or place in self._frozen or place in self._wrong
        if may_change_at is None or fixed:
            return None
        allowed = self._router.allowed[place]
        deciding = deciding_regions(allowed, self._healthy, routing.answers)
        soonest = min((may_change_at(code) for code in deciding), default=math.inf)
        return max(0.0, soonest - self._clock.now())


def _zone(
    topology: Topology,
    plan: AddressPlan,
    apart: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType({}),
) -> Zone:
    """The zone; `apart` gives locations another nameserver's address, and other ways to regions."""
    routes: dict[tuple[str | None, str], str] = {}
    for code in topology.regions:
        routes[None, code] = plan.edge(code).host
        for name in topology.locations:
            routes[name, code] = plan.link(name, code).host
    servers: dict[str | None, str] = {n: plan.nameserver(n) for n in topology.locations}
    servers[None] = plan.control.host
    for name, (server, ways) in apart.items():
        servers[name] = server
        routes.update({(name, code): address for code, address in ways.items()})
    # With anycast a location has one way in, and what lies behind it is not DNS's business.
    answers = topology.routing.answers if topology.routing.mode == "geodns" else 1
    return Zone(topology.domain, topology.hostname, routes, servers, answers)
