"""The session protocol of the reference gateway: every message is acknowledged and resumable.

What was not acknowledged when a connection ends is sent again on the next, even where the gateway
says that it holds it: so it is the gateway's deduplication that counts.
"""

from __future__ import annotations

import aiohttp

from sim.clients.client import Client
from sim.clients.conversation import Book, Conversation
from sim.clients.ending import ConnectionOverError
from sim.clients.reference import acked_in, message_frame, take_up
from sim.clients.websocket import WebSocket


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
            acked = await take_up(
                client, socket, book.session, opened=book.opened, remembered=book.remembered
            )
            self._settle(client, book, acked)
            await _Talk(client, book, socket).hold(begin_after=acked)

    def _settle(self, client: Client, book: Book, acked: int) -> None:
        """Raises ConnectionOverError where the gateway forgot what it had acknowledged."""
        book.opened = True
        if acked < book.remembered:
            # Forgetting counts once: what is left of this session is not held against the next.
            for seq in book.waiting:
                client.unknown(book.session, seq)
            self._book = None
            raise ConnectionOverError(f"the gateway forgot: it has {acked} of {book.remembered}")


class _Talk(Conversation[aiohttp.WSMessage]):
    """The protocol's frames."""

    def __init__(self, client: Client, book: Book, socket: WebSocket) -> None:
        super().__init__(client, book, socket)
        self._socket = socket
        self._body = "x" * client.payload

    async def deliver(self, seq: int) -> None:
        await self._socket.send_str(message_frame(seq, self._body))

    async def heard(self, message: aiohttp.WSMessage) -> None:
        self.acked(acked_in(self._client, message))
