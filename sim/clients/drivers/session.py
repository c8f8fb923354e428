"""The session protocol of the reference gateway: every message is acknowledged and resumable.

Open loop: a message every turn, whether or not earlier ones are acknowledged, up to a window. What
was not acknowledged when a connection ends is sent again on the next, even where the gateway says
that it holds it: delivery is at least once, so it is the gateway's deduplication that counts.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sim.clients.client import Client
from sim.clients.driver import ConnectionOverError
from sim.clients.websocket import WebSocket, describe

WINDOW = 64


@dataclass
class _Book:
    """What the client knows of one session."""

    session: str
    opened: bool = False
    own: int = 0  # the last number given out
    remembered: int = 0  # the last number acknowledged to this client
    waiting: dict[int, float] = field(default_factory=dict)  # unacknowledged: when sent; ascending


class Session:
    """A client's sessions, one after another, through all of its connections."""

    def __init__(self) -> None:
        self._book: _Book | None = None

    async def run(self, client: Client) -> None:
        """Open or resume the session and send until something fails or the load ends."""
        book = self._book = self._book or _Book(client.rng.hex_id(16))
        async with client.websocket(f"/session?id={book.session}") as socket:
            acked = await self._ready(client, book, socket)
            await _Conversation(client, book, socket).hold(begin_after=acked)

    async def _ready(self, client: Client, book: _Book, socket: WebSocket) -> int:
        """Wait for the gateway to take the session up; the last message that it holds."""
        message = await client.within(socket.receive())
        ready = decode(message)
        if ready.get("type") != "ready":
            raise ConnectionOverError(f"expected ready, got {describe(message)}")
        acked = int(ready["acked"])
        client.session_ready(
            book.session, resumed=book.opened, acked=acked, remembered=book.remembered
        )
        book.opened = True
        if acked < book.remembered:
            # Forgetting counts once: what is left of this session is not held against the next.
            for seq in book.waiting:
                client.unknown(book.session, seq)
            self._book = None
            raise ConnectionOverError(f"the gateway forgot: it has {acked} of {book.remembered}")
        return acked


class _Conversation:
    """One connection's exchange of messages and acknowledgements."""

    def __init__(self, client: Client, book: _Book, socket: WebSocket) -> None:
        self._client = client
        self._book = book
        self._socket = socket
        self._body = "x" * client.payload
        self._timer: asyncio.TimerHandle | None = None
        self._late: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def hold(self, begin_after: int) -> None:
        """Send and listen until the load ends. Raises what ended the connection before that."""
        sending = asyncio.create_task(self._send_all(begin_after))
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait(
                (sending, listening, self._late), return_when=asyncio.FIRST_COMPLETED
            )
            for ended in (self._late, listening, sending):
                if ended.done():
                    return ended.result()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._late.cancel()
            sending.cancel()
            listening.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    async def _send_all(self, begin_after: int) -> None:
        book = self._book
        for seq in list(book.waiting):
            await self._send(seq)
        book.own = max(begin_after, book.own)
        async for _ in self._client.pace():
            if len(book.waiting) < WINDOW:
                book.own += 1
                await self._send(book.own)

    async def _send(self, seq: int) -> None:
        self._book.waiting[seq] = self._client.clock.now()
        self._client.send(self._book.session, seq)
        if self._timer is None:
            self._timer = self._client.clock.call_later(self._client.timeout_s, self._check)
        await self._socket.send_str(f'{{"type":"message","seq":{seq},"body":"{self._body}"}}')

    def _check(self) -> None:
        """One timer for all messages: look at the oldest, and come back when it will be due."""
        self._timer = None
        oldest = next(iter(self._book.waiting.values()), None)
        if oldest is None or self._late.done():
            return
        left_s = oldest + self._client.timeout_s - self._client.clock.now()
        if left_s > 0:
            self._timer = self._client.clock.call_later(left_s, self._check)
        else:
            self._late.set_exception(
                TimeoutError(f"no acknowledgement within {self._client.timeout_s:g} s")
            )

    async def _listen(self) -> None:
        book = self._book
        while True:
            message = await self._socket.receive()
            said = decode(message)
            kind = said.get("type")
            if kind == "ack":
                seq = int(said["seq"])
                book.remembered = max(book.remembered, seq)
                book.waiting.pop(seq, None)
                self._client.acked(book.session, seq)
            elif kind == "going_away":
                raise ConnectionOverError("the gateway is going away")
            else:
                raise ConnectionOverError(describe(message))


def decode(message: aiohttp.WSMessage) -> dict[str, Any]:
    """What a text message says; empty for whatever is no JSON object."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        said = json.loads(message.data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
