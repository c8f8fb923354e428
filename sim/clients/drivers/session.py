"""The session protocol of the reference gateway: every message is acknowledged and resumable.

What was not acknowledged when a connection ends is sent again on the next, even where the gateway
says that it holds it: so it is the gateway's deduplication that counts.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from sim.clients.client import Client
from sim.clients.conversation import Book, Conversation
from sim.clients.ending import ConnectionOverError
from sim.clients.websocket import WebSocket, describe


class Session:
    """A client's sessions, one after another, through all of its connections.

    The reference gateway may acknowledge before it has stored (`--ack early`), and be about to:
    only what it never stores is lost.
    """

    settles_within_s = 1.0

    def __init__(self) -> None:
        self._book: Book | None = None

    async def run(self, client: Client) -> None:
        """Open or resume the session and send until something fails or the load ends."""
        book = self._book = self._book or Book(client.rng.hex_id(16))
        async with client.websocket(f"/session?id={book.session}") as socket:
            acked = await self._ready(client, book, socket)
            await _Talk(client, book, socket).hold(begin_after=acked)

    async def _ready(self, client: Client, book: Book, socket: WebSocket) -> int:
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


class _Talk(Conversation[aiohttp.WSMessage]):
    """The protocol's frames."""

    def __init__(self, client: Client, book: Book, socket: WebSocket) -> None:
        super().__init__(client, book, socket)
        self._socket = socket
        self._body = "x" * client.payload

    async def deliver(self, seq: int) -> None:
        await self._socket.send_str(f'{{"type":"message","seq":{seq},"body":"{self._body}"}}')

    async def heard(self, message: aiohttp.WSMessage) -> None:
        said = decode(message)
        kind = said.get("type")
        if kind == "ack":
            self.acked(int(said["seq"]))
        elif kind == "going_away":
            self._client.going_away()
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
