"""The reference gateway's server: its routes, its connections, and how it goes away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from sim.clock import Clock
from sim.gateway import protocol
from sim.gateway.store import Store, Variant

# Shorter than a usual kill_timeout (Fly's default is 5 s), so that the farewell is still said.
_DRAIN_S = 4.0
_CLOSE_S = 1.0
_log = logging.getLogger("gateway")


@dataclass(frozen=True)
class Identity:
    """Which machine this is."""

    app: str
    region: str
    machine: str


class _Connection:
    """One open session connection. What is to be sent waits in its outbox; None ends that."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self._closed_with: int | None = None
        self._outbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send_all())

    def send(self, frame: str) -> None:
        """Send a frame after those before it."""
        self._outbox.put_nowait(frame)

    async def close(self, clock: Clock, code: WSCloseCode, reason: str) -> None:
        """Close once everything was sent, or has not been taken for too long, or it was dropped."""
        self._closed_with = int(code)
        self._outbox.put_nowait(None)
        try:
            async with clock.timeout(_CLOSE_S):
                await asyncio.wait([self._sender])
        except TimeoutError:
            pass
        await self.socket.close(code=code, message=reason.encode())

    @property
    def ended_with(self) -> str:
        """The close code that either side gave, or none."""
        return str(self._closed_with or self.socket.close_code or "none")

    async def drop(self) -> None:
        """Send nothing more."""
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)

    async def _send_all(self) -> None:
        while (frame := await self._outbox.get()) is not None:
            try:
                await self.socket.send_str(frame)
            except ConnectionError:
                return  # the client is gone: what it was not told, it learns when it resumes


class Gateway:
    """The reference gateway. `store` is None without a database: then there are no sessions.

    `limit` is the most session connections at a time (None: any number), a hard limit as Fly's.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store | None,
        variant: Variant,
        clock: Clock,
        limit: int | None = None,
    ) -> None:
        self._identity = identity
        self._store = store
        self._variant = variant
        self._clock = clock
        self._limit = limit
        self._connections: set[_Connection] = set()
        self._echoes: set[web.WebSocketResponse] = set()
        self._booted = store is None
        self._draining = False

    def application(self, check_path: str = "/healthz") -> web.Application:
        """The routes; `check_path` is where health checks ask."""
        app = web.Application()
        app.router.add_get(check_path, self._health)
        if check_path != "/":
            app.router.add_get("/", self._about)
        app.router.add_get("/echo", self._refusing_when_draining(self._echo))
        app.router.add_get("/session", self._refusing_when_draining(self._session))
        return app

    async def drain(self) -> None:
        """Say goodbye to everyone, finish the commits that are pending, close with 1001."""
        self._draining = True
        _log.info("going away: %d connections", len(self._connections) + len(self._echoes))
        for connection in self._connections:
            connection.send(protocol.GOING_AWAY)
        try:
            async with self._clock.timeout(_DRAIN_S):
                if self._store:
                    await self._store.flush()
        except TimeoutError:
            pass  # the database does not answer: what it did not confirm was not acknowledged
        going = (WSCloseCode.GOING_AWAY, "going away")
        await asyncio.gather(
            *(connection.close(self._clock, *going) for connection in self._connections),
            *(echo.close(code=going[0], message=going[1].encode()) for echo in self._echoes),
        )

    def _refusing_when_draining(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self._draining:
                return web.Response(status=503, text="going away\n")
            return await handler(request)

        return handle

    async def _about(self, _: web.Request) -> web.Response:
        return web.json_response(vars(self._identity))

    async def _health(self, _: web.Request) -> web.Response:
        """Whether this machine can serve: it has booted and does not drain.

        To boot is to have reached the database once. That it answers now is no part of it: one
        database serves all machines, and were each to fail its check when the database is slow,
        all of them would be taken out of rotation at once, for nothing that another does better.
        """
        self._booted = self._booted or (self._store is not None and self._store.connected)
        status = 200 if self._booted and not self._draining else 503
        database = "none" if not self._store else "up" if self._store.connected else "down"
        return web.json_response({"draining": self._draining, "database": database}, status=status)

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        socket = self._new_socket()
        await socket.prepare(request)
        self._echoes.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        except ConnectionError:
            pass  # the client left before its echo
        finally:
            self._echoes.discard(socket)
            _log.info("echo: connection ended with %s", socket.close_code or "none")
        return socket

    async def _session(self, request: web.Request) -> web.StreamResponse:
        session = request.query.get("id", "")
        if not protocol.valid_id(session):
            return web.Response(
                status=400, text="/session?id=ID: 1 to 128 of A-Z a-z 0-9 . _ : / ~ -\n"
            )
        if self._store is None:
            return web.Response(status=503, text="no sessions: DATABASE_URL is not set\n")
        if self._limit is not None and len(self._connections) >= self._limit:
            return web.Response(status=503, text=f"at the limit of {self._limit} sessions\n")
        socket = self._new_socket()
        await socket.prepare(request)
        connection = _Connection(socket)
        self._connections.add(connection)
        try:
            await self._converse(self._store, session, connection)
        except protocol.ProtocolError as error:
            connection.send(protocol.error(str(error)))
            await connection.close(self._clock, WSCloseCode.POLICY_VIOLATION, "protocol error")
        finally:
            self._connections.discard(connection)
            await connection.drop()
            _log.info("session %s: connection ended with %s", session, connection.ended_with)
        return socket

    async def _converse(self, store: Store, session: str, connection: _Connection) -> None:
        acked = await store.open(session)
        _log.info("session %s %s", session, f"resumed after {acked}" if acked else "opened")
        region, machine = self._identity.region, self._identity.machine
        connection.send(protocol.ready(session, region, machine, acked))
        sequence = protocol.Sequence(acked, strict=self._variant.strict)

        def acknowledge(seq: int) -> None:
            connection.send(protocol.ack(seq))

        async for frame in connection.socket:
            if frame.type is not WSMsgType.TEXT:
                raise protocol.ProtocolError("a frame must be text")
            message = protocol.parse(frame.data)
            sequence.take(message.seq)
            if self._variant.early:
                acknowledge(message.seq)
                store.append(session, message.seq, message.body, lambda _: None)
            else:
                store.append(session, message.seq, message.body, acknowledge)

    def _new_socket(self) -> web.WebSocketResponse:
        return web.WebSocketResponse(max_msg_size=protocol.MAX_FRAME, timeout=_CLOSE_S)
