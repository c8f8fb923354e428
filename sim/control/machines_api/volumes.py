"""Volumes: there are none, which is an answer that every client understands."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_refusals import Refusal


class Volumes:
    """The endpoints at /v1/apps/{app}/volumes."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def list(self, request: web.Request) -> web.Response:
        """An empty list."""
        self._context.app(request)
        return web.json_response([])

    async def create(self, request: web.Request) -> web.Response:
        """Refused."""
        self._context.app(request)
        raise Refusal(422, "volumes are not simulated: state is in the database, or is lost")

    async def one(self, request: web.Request) -> web.Response:
        """404: there are no volumes."""
        self._context.app(request)
        raise Refusal(404, f"volume {request.match_info['volume']} not found")
