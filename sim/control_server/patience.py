"""How long a connection may keep the control server waiting for its first request."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sim.control_server.guard import Answer


class Patience:
    """Makes an aiohttp server's connections, and closes those whose first head does not come.

    Between requests aiohttp's own keep-alive timeout ends what is idle.
    """

    def __init__(self, real_s: float) -> None:
        self._real_s = real_s
        self._waiting: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}

    def protocol(self, server: web.Server) -> asyncio.BaseProtocol:
        """A protocol for one connection, which has so long from now on."""
        protocol = server()
        loop = asyncio.get_running_loop()
        self._waiting[protocol] = loop.call_later(self._real_s, self._close, protocol)
        return protocol

    def _close(self, protocol: web.RequestHandler) -> None:
        del self._waiting[protocol]
        protocol.force_close()

    @web.middleware
    async def heard(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """A whole head has come: its connection is not waited for any longer."""
        if timer := self._waiting.pop(request.protocol, None):
            timer.cancel()
        return await handler(request)

    def end(self) -> None:
        """Wait for nobody."""
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
