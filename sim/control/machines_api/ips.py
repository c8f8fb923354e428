"""Public addresses: the app has the one that the world gives it."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_refusals import Refusal


class Addresses:
    """The endpoints at /v1/apps/{app}/ip_assignments."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def list(self, request: web.Request) -> web.Response:
        """The address at which the primary region's edge answers whoever is in no location."""
        self._context.app(request)
        topology, plan = self._context.topology, self._context.world.plan
        address = {
            "ip": plan.edge(topology.primary.code).host,
            "region": "global",
            "service_name": "",
            "shared": True,
            "created_at": self._context.view.date(0.0),
        }
        return web.json_response({"ips": [address]})

    async def change(self, request: web.Request) -> web.Response:
        """Refused: none can be added or given back."""
        self._context.app(request)
        raise Refusal(422, "a world's addresses follow from its topology: none is added or freed")
