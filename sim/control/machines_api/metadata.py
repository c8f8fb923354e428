"""A machine's metadata, whose changes make no new version."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.bodies import MetadataRequest, parsed
from sim.control.machines_api.configs import with_metadata


class Metadata:
    """The endpoints at /v1/apps/{app}/machines/{id}/metadata."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def get(self, request: web.Request) -> web.Response:
        """The whole metadata."""
        return web.json_response(dict(self._context.machine(request).config.metadata))

    async def set(self, request: web.Request) -> web.Response:
        """Set a key."""
        value = parsed(MetadataRequest, await request.read()).value
        self._change(request, value)
        return web.Response(status=204)

    async def unset(self, request: web.Request) -> web.Response:
        """Remove a key."""
        self._change(request, None)
        return web.Response(status=204)

    def _change(self, request: web.Request, value: str | None) -> None:
        machine = self._context.held(request)
        metadata = with_metadata(machine.config, request.match_info["key"], value)
        self._context.fleet.annotate(machine, metadata)
