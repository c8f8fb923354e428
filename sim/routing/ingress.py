"""Every way into a world: the edges, the links that lead to them, and with anycast the backhaul.

With geodns an edge sends to its own region's machines. With anycast it may send to any: over a
link from its region to the other one, to the worker at its far end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sim.authority import CertificateAuthority
from sim.clock import Clock
from sim.network.between import link_between
from sim.network.links import Link, Links, LinkSpec
from sim.observe.journal import Journal
from sim.routing.edge import backhaul_protocol
from sim.routing.edge.backhaul import MachineOfWorker, Network
from sim.routing.edge.edge import Edge
from sim.routing.edge.worker import Worker
from sim.routing.machine_choice import MachineView
from sim.routing.machine_pool import MachinePool
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.distance import SAME_REGION_MS
from sim.topology.model import Topology

# What a link's far end answers at once, without touching anything behind it.
_EDGE_PROBE = b"OPTIONS * HTTP/1.1\r\nHost: edge\r\n\r\n"


@dataclass(frozen=True)
class RegionalBackhaul:
    """The ways from one region's edge to the others.

    Fly's proxies measure round trips all the time; here the link's present condition stands for
    what they would find. That nothing comes back at all, an edge learns by waiting in vain.
    """

    region: str
    plan: AddressPlan
    links: Links
    machine: MachineOfWorker

    def door(self, region: str) -> Endpoint:
        """Where to connect for that region's worker."""
        return self.plan.backhaul(self.region, region)

    def rtt_ms(self, region: str) -> float:
        """The round trip to a region now, in real milliseconds; the own one's too."""
        return SAME_REGION_MS if region == self.region else self._link(region).rtt_ms

    def is_up(self, region: str) -> bool:
        """Whether anything gets through to a region, as probes would soon find."""
        return region == self.region or self._link(region).state == "up"

    def _link(self, region: str) -> Link:
        return self.links.link(self.region, region)


class Ingress:
    """The edges and workers of a world, and their links; `pool` is whom they lead to.

    `real_ms` is what the way from here to a region's machines takes, where they run elsewhere:
    simulated, and known when the links are opened.
    """

    def __init__(
        self,
        topology: Topology,
        plan: AddressPlan,
        pool: MachinePool,
        links: Links,
        clock: Clock,
        journal: Journal,
        *,
        authority: CertificateAuthority,
        real_ms: Mapping[str, float],
    ) -> None:
        self.pool = pool
        anycast = topology.routing.mode == "anycast"
        self._topology = topology
        self._plan = plan
        self._links = links
        self._real_ms = real_ms
        regions = list(topology.regions)
        known = {region: partial(pool.of_worker, region) for region in regions}
        ways = {region: RegionalBackhaul(region, plan, links, known[region]) for region in regions}
        self.edges = [
            Edge(
                region,
                topology,
                plan,
                pool.seen_from(way.is_up) if anycast else partial(_in_region, pool, region),
                clock,
                journal,
                authority=authority,
                network=Network(pool.loads, way if anycast else None),
            )
            for region, way in ways.items()
        ]
        self._workers = [
            Worker(region, plan, [r for r in regions if r != region], known[region], journal, clock)
            for region in regions
            if anycast
        ]

    def __repr__(self) -> str:
        return f"<Ingress {len(self.edges)} edges, {len(self._workers)} workers>"

    async def start(self) -> None:
        """Listen, and open the links. Raises EnvironmentLacksError, LinkCheckError."""
        for part in self._parts():
            await part.start()
        await self._links.open_all([*self._from_locations(), *self._between_regions()])

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        for part in self._parts():
            await part.stop()

    def standing(self, region: str) -> Counter[str | None]:
        """The connections that stand through a region's edge, by location."""
        return next(edge.standing for edge in self.edges if edge.region == region)

    def _parts(self) -> list[Edge | Worker]:
        return [*self.edges, *self._workers]

    def _from_locations(self) -> Iterator[LinkSpec]:
        plan = self._plan
        for location in self._topology.locations:
            for region in self._topology.regions:
                listen, upstream = plan.link(location, region), plan.edge_for(region, location)
                places = (location, region)
                real_ms = self._real_ms.get(region, 0.0)
                yield link_between(
                    self._topology, places, listen, upstream, _EDGE_PROBE, real_ms=real_ms
                )

    def _between_regions(self) -> Iterator[LinkSpec]:
        """The backhaul: no handshake, because Fly's proxies keep connections to each other warm.

        Whoever comes this way came by a link to the source region, from which the way to that
        region's machines was taken off, which he does not go.
        """
        plan, real_ms = self._plan, self._real_ms
        for worker in self._workers:
            for source in self._topology.regions:
                if source != worker.region:
                    yield link_between(
                        self._topology,
                        (source, worker.region),
                        plan.backhaul(source, worker.region),
                        plan.worker(worker.region, source),
                        backhaul_protocol.PING,
                        handshake=False,
                        real_ms=real_ms.get(worker.region, 0.0) - real_ms.get(source, 0.0),
                    )


def _in_region(pool: MachinePool, region: str) -> Sequence[MachineView]:
    return [machine for machine in pool.views() if machine.region == region]
