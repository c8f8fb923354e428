"""The control server of a running world: what other commands ask it and have it do.

JSON over HTTP on the world's own loopback address. Every request needs the world's token, which
only the owner of the world's folder can read; requests that a web page could send on its own are
refused with it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from sim.errors import SimError

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]


class ControlServer:
    """Answers `POST /<verb>` on a listening socket with what the verb's handler gives, as JSON."""

    def __init__(self, listener: socket.socket, token: str) -> None:
        self._listener = listener
        self._address = listener.getsockname()
        self._token = token
        self._verbs: dict[str, Handler] = {}
        self._runner = self._new_runner()

    def verb(self, name: str, handler: Handler) -> None:
        """Have `handler` answer `POST /name`; it gets the request's JSON object."""
        self._verbs[name] = handler

    async def start(self) -> None:
        """Begin to answer."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        """End every connection, and stop listening."""
        await self._runner.cleanup()

    async def ping(self) -> None:
        """Ask it as a stranger. Raises OSError where it does not refuse that."""
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(b"POST /status HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
            line = await reader.readline()
        finally:
            writer.close()
        if b" 401 " not in line:
            raise OSError(f"it answers {line!r}")

    async def restart(self) -> None:
        """End whatever is left of it, and listen again at the same address."""
        await self.stop()
        self._listener.close()
        self._listener = socket.create_server(self._address)
        self._runner = self._new_runner()
        await self.start()

    def _new_runner(self) -> web.AppRunner:
        application = web.Application()
        application.router.add_post("/{verb}", self._answer)
        return web.AppRunner(application, access_log=None)

    async def _answer(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return web.json_response({"error": "no valid token"}, status=401)
        handler = self._verbs.get(request.match_info["verb"])
        if handler is None:
            known = ", ".join(self._verbs)
            return web.json_response({"error": f"no such verb; there are: {known}"}, status=404)
        try:
            body = json.loads(await request.text() or "{}")
            if not isinstance(body, dict):
                return web.json_response({"error": "the body is no JSON object"}, status=400)
            return web.json_response(await handler(body))
        except json.JSONDecodeError as error:
            return web.json_response({"error": f"the body is no JSON: {error}"}, status=400)
        except SimError as error:
            return web.json_response({"error": str(error)}, status=422)
