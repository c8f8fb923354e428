"""A small gateway that keeps every message it acknowledges, once and in order.

Its sessions are rows in PostgreSQL, so that any machine can take any of them up. It speaks three
protocols, one at each path: /text, /json, /binary (see `codec`). GET /kept/S lists the messages of
a session. `FAULT` names one classic fault that it is to have instead (see `faults`).

    python -m tests.wall.gateway       with HOST, PORT, DATABASE_URL, FLY_REGION
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from sim.clock import Clock
from tests.wall.codec import (
    CODECS,
    Codec,
    FromClient,
    FromServer,
    Gone,
    Goodbye,
    Kept,
    Open,
    Ready,
    Resume,
    Say,
)
from tests.wall.store import INSERT, KEEP, OPEN, RESUME, STANDS, TROUBLE, Store

T = TypeVar("T")

# Seconds of the world's clock, as machines see it.
RETRY_S = 1.0
DRAIN_S = 10.0


class SupersededError(Exception):
    """Another connection has taken the session up since."""


@dataclass
class Session:
    """A session as one connection has it. `last` is what a fault may remember of it."""

    id: str
    epoch: int
    last: int = 0


class Talk:
    """One client's connection, in frames."""

    def __init__(
        self, socket: web.WebSocketResponse, codec: Codec, stopping: asyncio.Event
    ) -> None:
        self.socket = socket
        self._codec = codec
        self._stopping = stopping

    async def hear(self) -> FromClient | None:
        """The client's next frame; None where there will be none, or the gateway is to stop."""
        if self._stopping.is_set():
            return None
        receiving = asyncio.ensure_future(self.socket.receive())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                return None
            message = receiving.result()
        finally:
            stopping.cancel()
            receiving.cancel()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return None
        return self._codec.read(message.data)

    async def say(self, frame: FromServer) -> None:
        """Send a frame. One to a client that has gone meanwhile goes nowhere."""
        data = self._codec.write(frame)
        try:
            if isinstance(data, str):
                await self.socket.send_str(data)
            else:
                await self.socket.send_bytes(data)
        except ConnectionError:
            pass

    async def close(self, code: int, reason: str) -> None:
        """End the connection with a close frame."""
        await self.socket.close(code=code, message=reason.encode())


class Gateway:
    """Takes sessions up and keeps their messages."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.region = os.environ.get("FLY_REGION", "")
        self.store = self.make_store(os.environ["DATABASE_URL"])
        self.stopping = asyncio.Event()
        self.open = 0

    def make_store(self, url: str) -> Store:
        """Where messages are kept."""
        return Store(url)

    # --- its life ---

    def on_signal(self, stop: Callable[[], None]) -> None:
        """Have `stop` called when the gateway is asked to go away."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)

    async def begin(self) -> None:
        """Be ready to keep messages. The tables may wait for a database that is away."""
        await self.until_it_works(self.store.create)

    async def drain(self) -> None:
        """Every connection says goodbye for itself; wait for them."""
        left_s = DRAIN_S
        while self.open and left_s > 0:
            await self.clock.sleep(0.01)
            left_s -= 0.01

    # --- one connection ---

    async def admit(self, request: web.Request) -> web.StreamResponse:
        """A client comes: upgrade its connection, and serve it to its end."""
        socket = web.WebSocketResponse(timeout=5.0)
        await socket.prepare(request)
        self.open += 1
        try:
            await self.serve(Talk(socket, CODECS[request.match_info["codec"]], self.stopping))
        finally:
            self.open -= 1
        return socket

    async def serve(self, talk: Talk) -> None:
        """One connection: its session is taken up, and its messages are kept one after another."""
        opening = await talk.hear()
        if not isinstance(opening, Open | Resume):
            return
        session = await self.take_up(opening)
        if session is None:
            await talk.say(Gone())
            return
        await talk.say(Ready())
        try:
            while isinstance(said := await talk.hear(), Say):
                await self.take(talk, session, said)
        except SupersededError:
            await talk.close(4001, "taken up by another connection")
            return
        if self.stopping.is_set():
            await self.take_leave(talk)

    async def take_up(self, opening: Open | Resume) -> Session | None:
        """The session under a new epoch; None where there is none to resume."""
        query = OPEN if isinstance(opening, Open) else RESUME
        epoch = await self.ask(query, opening.session)
        return None if epoch is None else Session(opening.session, epoch)

    async def take(self, talk: Talk, session: Session, said: Say) -> None:
        """Keep a message, and say so."""
        await self.keep(session, said)
        await talk.say(Kept(said.n))

    async def keep(self, session: Session, said: Say) -> None:
        """Keep a message unless it is kept already, however long the database is away.

        Raises SupersededError.
        """
        await self.insert(session, said, KEEP)

    async def insert(self, session: Session, said: Say, query: str = INSERT) -> None:
        """Carry out a query that inserts a message under the session's epoch.

        Raises SupersededError where that is over.
        """
        kept = await self.ask(query, session.id, session.epoch, said.n, said.body)
        if kept is None and not await self.ask(STANDS, session.id, session.epoch):
            raise SupersededError

    async def take_leave(self, talk: Talk) -> None:
        """Tell a client that this machine goes away."""
        await talk.say(Goodbye())
        await talk.close(1001, "going away")

    async def ask(self, query: str, *values: object) -> Any:
        """A query's value, however long the database is away. It must bear being done twice."""
        return await self.until_it_works(lambda: self.store.value(query, *values))

    async def until_it_works(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What an attempt gives, once the database lets it."""
        while True:
            try:
                return await attempt()
            except TROUBLE as error:
                print(f"database: {error!r}", file=sys.stderr, flush=True)  # noqa: T201 - its log
                await self.clock.sleep(RETRY_S)

    # --- plain HTTP ---

    async def health(self, _request: web.Request) -> web.Response:
        """Whether the process answers; a database that is away is no reason to leave rotation."""
        return web.Response(text="fine")

    async def kept(self, request: web.Request) -> web.Response:
        """The numbers of a session's messages, in the order of keeping."""
        numbers = await self.store.kept(request.match_info["session"])
        if not numbers:
            raise web.HTTPNotFound
        return web.json_response({"kept": numbers})


async def main() -> None:
    """Serve on HOST and PORT until a signal."""
    from tests.wall.faults import FAULTS  # noqa: PLC0415 - each of them is a gateway

    gateway = FAULTS.get(os.environ.get("FAULT", ""), Gateway)(Clock())
    app = web.Application()
    app.router.add_get("/healthz", gateway.health)
    app.router.add_get("/kept/{session}", gateway.kept)
    app.router.add_get("/{codec:text|json|binary}", gateway.admit)
    runner = web.AppRunner(app, shutdown_timeout=1.0, handle_signals=False)
    await runner.setup()
    await gateway.begin()
    gateway.on_signal(gateway.stopping.set)
    site = web.TCPSite(runner, os.environ["HOST"], int(os.environ["PORT"]))
    await site.start()
    await gateway.stopping.wait()
    await site.stop()
    await gateway.drain()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
