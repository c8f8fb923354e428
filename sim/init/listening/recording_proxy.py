"""Stands between a client and its gateway, passes everything on, and keeps what was said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from sim.clock import Clock
from sim.errors import InputError
from sim.init.listening.transcript import Connection, Exchange, Message, Transcript

# Headers of one connection alone (RFC 9110, 7.6.1), and those that aiohttp writes by itself.
_OWN = frozenset(
    {
        *("connection", "upgrade", "host", "content-length", "transfer-encoding", "keep-alive"),
        *("te", "trailer", "proxy-connection", "content-encoding", "accept-encoding"),
    }
)
_RETURNS_WITHIN_S = 3.0  # how long a client has to come back, so that its resumption is seen too
_MOST = 16 * 1024 * 1024


class Listener:
    """The proxy of one session. `over` is set once a client that said something stays away."""

    def __init__(self, against: str, clock: Clock) -> None:
        self.heard = Transcript()
        self.over = asyncio.Event()
        self._against = against.rstrip("/")
        self._clock = clock
        self._open = 0
        self._waiting: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[str]:
        """The URL at which the client finds us. Raises InputError where the port is taken."""
        app = web.Application(client_max_size=_MOST)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        try:
            async with aiohttp.ClientSession(auto_decompress=True) as self._http:
                try:
                    await web.TCPSite(runner, "127.0.0.1", port).start()
                except OSError as error:
                    message = f"port {port} cannot be listened on ({error.strerror}); give --port"
                    raise InputError(message) from error
                yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            if self._waiting:
                self._waiting.cancel()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        upgrades = request.headers.get("Upgrade", "").lower() == "websocket"
        try:
            return await (self._websocket(request) if upgrades else self._exchange(request))
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status, text=error.message)
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=f"{self._against} does not answer: {error}\n")

    async def _exchange(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._http.request(
            request.method,
            self._against + request.path_qs,
            data=body or None,
            headers=_passed(request.headers),
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
        if not self.heard.connections:
            texts = (text.decode("utf-8", "replace") for text in (body, content))
            exchange = Exchange(
                request.method, request.path_qs, next(texts), answer.status, next(texts)
            )
            self.heard.exchanges.append(exchange)
        return web.Response(status=answer.status, body=content, headers=_passed(answer.headers))

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        offers = [name.strip() for name in offered.split(",") if name.strip()]
        headers = {
            name: value
            for name, value in _passed(request.headers).items()
            if not name.lower().startswith("sec-websocket-")
        }
        async with self._http.ws_connect(
            self._against + request.path_qs, protocols=offers, headers=headers, max_msg_size=_MOST
        ) as gateway:
            chosen = [gateway.protocol] if gateway.protocol else []
            client = web.WebSocketResponse(protocols=chosen, max_msg_size=_MOST)
            await client.prepare(request)
            connection = Connection(request.path_qs, gateway.protocol)
            self.heard.connections.append(connection)
            await self._between(client, gateway, connection)
        return client

    async def _between(
        self,
        client: web.WebSocketResponse,
        gateway: aiohttp.ClientWebSocketResponse,
        connection: Connection,
    ) -> None:
        self._begins()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(client, gateway, connection, "client"))
                both.create_task(self._pass(gateway, client, connection, "gateway"))
        finally:
            self._ends()

    async def _pass(
        self,
        source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        connection: Connection,
        by: str,
    ) -> None:
        """Pass one direction on until it closes, and close the other with the same code."""
        async for message in source:
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                continue
            said = Message("client" if by == "client" else "gateway", message.data)
            connection.messages.append(said)
            if isinstance(message.data, str):
                await target.send_str(message.data)
            else:
                await target.send_bytes(message.data)
        await target.close(code=source.close_code or 1000)

    def _begins(self) -> None:
        self._open += 1
        if self._waiting:
            self._waiting.cancel()

    def _ends(self) -> None:
        self._open -= 1
        if self._open == 0 and any(c.conversed for c in self.heard.connections):
            self._waiting = asyncio.create_task(self._end())

    async def _end(self) -> None:
        await self._clock.sleep(_RETURNS_WITHIN_S)
        self.over.set()


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OWN}
