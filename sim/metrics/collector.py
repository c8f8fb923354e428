"""A world as Prometheus' client library collects it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sim.metrics.fly_metrics import edge_metrics, machine_metrics
from sim.metrics.own import (
    alert_metrics,
    client_metrics,
    dns_metrics,
    health_metrics,
    link_metrics,
    world_metrics,
)
from sim.metrics.tally import JournalTally
from sim.network.stats import LinkStats
from sim.network.toxiproxy_api import LinkServerError
from sim.world import World


class WorldCollector(Collector):
    """Everything that is told of a world, as of when it is asked.

    What links carry is asked of their server beforehand (`ask_links`).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._links: dict[str, LinkStats] = {}
        self._tally = JournalTally()
        for record in world.journal.records:
            self._tally(record)
        world.journal.subscribe(self._tally)

    async def ask_links(self) -> None:
        """Find out what the links carry; nothing is told of that while their server is down."""
        try:
            self._links = await self._world.links.stats()
        except LinkServerError:
            self._links = {}

    def collect(self) -> Iterator[Metric]:
        """The families, in an order that does not change."""
        world, tally, topology = self._world, self._tally, self._world.topology
        machines = world.fleet.machines
        edges, loads = world.ingress.edges, world.ingress.pool.loads.by_machine
        yield from edge_metrics(topology.app, edges, tally)
        yield from machine_metrics(topology.app, edges, machines, loads)
        yield from link_metrics(world.links.all(), self._links)
        led_to = {name: world.resolver.regions(name) for name in topology.locations}
        yield from dns_metrics(world.resolver.counts(), led_to)
        statuses = {m.id: (m.region, str(world.health.status(m.id))) for m in machines.values()}
        yield from health_metrics(statuses, world.steering.healthy_regions, topology.regions)
        yield from client_metrics(tally, topology.locations)
        yield from alert_metrics(tally, world.alarm.standing, topology.locations)
        info = {
            "app": topology.app,
            "runtime": world.runtime,
            "links": world.links_by,
            "seed": str(world.seed),
            "speed": f"{world.speed:g}",
        }
        yield from world_metrics(tally, info, world.clock.now())
