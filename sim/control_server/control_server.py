"""The control server of a running world: what other commands ask it and have it do.

JSON over HTTP on the world's own loopback address. Every request needs the world's token, which
only the owner of the world's folder can read (see guard.py). Beside the verbs of the command line
it answers for sites: parts with routes of their own.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from sim.control_server.guard import Guard, refused
from sim.errors import SimError

# What is asked when the server ends has this long for its answer; a long poll gets none.
_LAST_ANSWERS_REAL_S = 0.5

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Site(Protocol):
    """A part of what the server answers, with paths of its own."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Its routes. A handler without `guard.open_to_all` is only called with the token."""


class ControlServer:
    """Answers `POST /<verb>` with what the verb's handler gives, as JSON, and for its sites.

    The first of the listening sockets is the one at the world's own address.
    """

    def __init__(self, listeners: Sequence[socket.socket], token: str) -> None:
        self.guard = Guard(token)
        self._listeners = list(listeners)
        self._addresses = [(sock.family, sock.getsockname()[:2]) for sock in listeners]
        self._verbs: dict[str, Handler] = {}
        self._sites: list[Site] = []
        self._before_stop: list[Callable[[], None]] = []
        self._runner: web.AppRunner | None = None

    def verb(self, name: str, handler: Handler) -> None:
        """Have `handler` answer `POST /name`; it gets the request's JSON object."""
        self._verbs[name] = handler

    def mount(self, site: Site) -> None:
        """Answer at the paths of this site too; before `start`."""
        self._sites.append(site)

    def before_stop(self, prepare: Callable[[], None]) -> None:
        """Call this first when the server stops: to end answers that would go on for ever."""
        self._before_stop.append(prepare)

    async def start(self) -> None:
        """Begin to answer."""
        application = web.Application(middlewares=[self.guard.check])
        for site in self._sites:
            application.add_routes(site.routes())
        application.router.add_post("/{verb}", self._answer)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_LAST_ANSWERS_REAL_S
        )
        await self._runner.setup()
        for listener in self._listeners:
            await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """End every connection, and stop listening."""
        for prepare in self._before_stop:
            prepare()
        if self._runner:
            await self._runner.cleanup()

    async def ping(self) -> None:
        """Ask it as a stranger. Raises OSError where it does not refuse that."""
        reader, writer = await asyncio.open_connection(*self._addresses[0][1])
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
        for listener in self._listeners:
            listener.close()
        self._listeners = [
            socket.create_server(address, family=family) for family, address in self._addresses
        ]
        await self.start()

    async def _answer(self, request: web.Request) -> web.Response:
        handler = self._verbs.get(request.match_info["verb"])
        if handler is None:
            known = ", ".join(self._verbs)
            return refused(404, f"no such verb; there are: {known}")
        try:
            body = json.loads(await request.text() or "{}")
            if not isinstance(body, dict):
                return refused(400, "the body is no JSON object")
            return web.json_response(await handler(body))
        except json.JSONDecodeError as error:
            return refused(400, f"the body is no JSON: {error}")
        except SimError as error:
            return refused(422, str(error))
