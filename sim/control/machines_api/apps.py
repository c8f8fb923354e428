"""Apps: the world's own is the only one, and lives as long as the world."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import app_json
from sim.control.machines_api.bodies import AppRequest, parsed


class Apps:
    """The endpoints at /v1/apps."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def list(self, request: web.Request) -> web.Response:
        """A list of the one app."""
        del request
        app = app_json(self._context.topology, len(self._context.fleet.machines))
        return web.json_response({"total_apps": 1, "apps": [app]})

    async def get(self, request: web.Request) -> web.Response:
        """The app, by its name."""
        self._context.app(request)
        return web.json_response(
            app_json(self._context.topology, len(self._context.fleet.machines))
        )

    async def create(self, request: web.Request) -> web.Response:
        """Refused: a world is one app."""
        name = parsed(AppRequest, await request.read()).name
        app = self._context.topology.app
        if name == app:
            raise Refusal(422, f"the name {name} is taken", "name_taken")
        raise Refusal(422, f"a world has one app, {app}; bring up another world for {name}")

    async def delete(self, request: web.Request) -> web.Response:
        """Refused: the app ends with its world."""
        app = self._context.app(request)
        raise Refusal(403, f"app {app} ends with its world: sim down")
