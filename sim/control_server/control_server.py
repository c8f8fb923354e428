"""The control server of a running world: what other commands ask it and have it do.

JSON over HTTP on the world's own loopback address. Every request needs the world's token, which
only the owner of the world's folder can read (see guard.py). Beside the verbs of the command line
it answers for sites: parts with routes of their own. Who accepts an event stream is told what
happens while a verb is being done, and its answer last.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from sim.control_server.guard import Answer, Guard, refused
from sim.control_server.patience import Patience
from sim.errors import SimError
from sim.streams.http import complaints

# What is asked when the server ends has this long for its answer; a long poll gets none.
_LAST_ANSWERS_REAL_S = 0.5
_HEAD_REAL_S = 60.0  # as entries
_KEEP_ALIVE_REAL_S = 75.0  # as nginx; aiohttp's own is an hour

EVENTS = "text/event-stream"

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
# Calls the function with a line for each thing that happens, while its context lasts.
Telling = Callable[[Callable[[str], None]], AbstractContextManager[None]]


class Site(Protocol):
    """A part of what the server answers, with paths of its own."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Its routes. A handler without `guard.open_to_all` is only called with the token."""


class ControlServer:
    """Answers `POST /<verb>` with what the verb's handler gives, as JSON, and for its sites.

    The first of the listening sockets is the one at the world's own address. `telling` has what
    happens while a verb is being done.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        token: str,
        telling: Telling = lambda _say: nullcontext(),
    ) -> None:
        self.guard = Guard(token)
        self._telling = telling
        self._listeners = list(listeners)
        self._addresses = [(sock.family, sock.getsockname()[:2]) for sock in listeners]
        self._verbs: dict[str, Handler] = {}
        self._sites: list[Site] = []
        self._before_stop: list[Callable[[], None]] = []
        self._runner: web.AppRunner | None = None
        self._patience = Patience(_HEAD_REAL_S)
        self._servers: list[asyncio.Server] = []
        self._under_way: set[asyncio.Future[Any]] = set()

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
        application = web.Application(
            middlewares=[self._patience.heard, self.guard.check, _arrived]
        )
        for site in self._sites:
            application.add_routes(site.routes())
        application.router.add_post("/{verb}", self._answer)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=complaints.logger("sim.control_server"),
            keepalive_timeout=_KEEP_ALIVE_REAL_S,
            shutdown_timeout=_LAST_ANSWERS_REAL_S,
        )
        await self._runner.setup()
        assert self._runner.server  # noqa: S101 - a type checker's aid: it is set up
        connect = partial(self._patience.protocol, self._runner.server)
        loop = asyncio.get_running_loop()
        self._servers = [
            await loop.create_server(connect, sock=listener) for listener in self._listeners
        ]

    async def stop(self) -> None:
        """End every connection and what verbs do, and stop listening."""
        for prepare in self._before_stop:
            prepare()
        for server in self._servers:
            server.close()
        self._patience.end()
        if self._runner:
            await self._runner.cleanup()
        for doing in self._under_way:  # also for those who have hung up
            doing.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        handler = self._verbs.get(request.match_info["verb"])
        if handler is None:
            known = ", ".join(self._verbs)
            return refused(404, f"no such verb; there are: {known}")
        try:
            body = json.loads(await request.text() or "{}")
        except json.JSONDecodeError as error:
            return refused(400, f"the body is no JSON: {error}")
        if not isinstance(body, dict):
            return refused(400, "the body is no JSON object")
        if EVENTS in request.headers.get("Accept", ""):
            return await self._answer_telling(request, handler, body)
        try:
            return web.json_response(await self._begin(handler, body))
        except SimError as error:
            return refused(422, str(error))

    def _begin(self, handler: Handler, body: Mapping[str, Any]) -> asyncio.Future[Any]:
        """A verb begins; it is ended with the server at the latest."""
        doing = asyncio.ensure_future(handler(body))
        self._under_way.add(doing)
        doing.add_done_callback(self._under_way.discard)
        return doing

    async def _answer_telling(
        self, request: web.Request, handler: Handler, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        """Server-sent events: `{"told": line}` for what happens, then `done` or `error`.

        What was begun is ended, although whoever asked has gone.
        """
        answer = web.StreamResponse(headers={"Content-Type": EVENTS})
        await answer.prepare(request)
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        with self._telling(lines.put_nowait):
            doing = self._begin(handler, body)
            doing.add_done_callback(lambda _: lines.put_nowait(None))
            with suppress(ConnectionError):
                while line := await lines.get():
                    await answer.write(_event({"told": line}))
            await asyncio.wait([doing])
        try:
            ended = {"done": doing.result()}
        except SimError as error:
            ended = {"error": str(error)}
        with suppress(ConnectionError):
            await answer.write(_event(ended))
        return answer


def _event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@web.middleware
async def _arrived(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Have the whole body, which is kept with the request, before any handler is called."""
    try:
        if request.can_read_body:
            await request.read()
    except web.HTTPException as error:  # it is too large
        return refused(error.status, error.text or error.reason)
    except (web.RequestPayloadError, ConnectionError) as error:
        return refused(400, f"the body did not come whole: {error}")
    return await handler(request)
