"""`GET /metrics`: what Prometheus is told.

It tells counts and names of places, nothing that needs a token: whoever asks by a loopback address
gets it. Where the server listens beyond loopback, the token is needed there.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from sim.control_server.guard import Guard, open_to_all, refused
from sim.metrics.collector import WorldCollector
from sim.world import World


class MetricsSite:
    """Answers Prometheus."""

    def __init__(self, world: World, guard: Guard) -> None:
        self._guard = guard
        self._collector = WorldCollector(world)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._collector)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """`GET /metrics`."""
        return [web.get("/metrics", self.metrics)]

    @open_to_all
    async def metrics(self, request: web.Request) -> web.Response:
        """The exposition, in Prometheus' text format."""
        if not (_asked_by_loopback(request) or self._guard.admits(request)):
            return refused(401, "no valid token; it is needed beyond loopback")
        await self._collector.ask_links()
        text = generate_latest(self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _asked_by_loopback(request: web.Request) -> bool:
    """Whether the address that was asked, and who asks, are this machine's alone."""
    if request.transport is None:
        return False
    ends = (request.transport.get_extra_info(end) for end in ("sockname", "peername"))
    return all(end and ip_address(end[0]).is_loopback for end in ends)
