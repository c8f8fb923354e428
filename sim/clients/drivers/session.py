"""The session protocol of the reference gateway: every message is acknowledged and resumable.

What was not acknowledged when a connection ends is sent again on the next, even where the gateway
says that it holds it: so it is the gateway's deduplication that counts.
"""

from __future__ import annotations

import aiohttp

from sim.clients.client import Client
from sim.clients.conversation import Conversation, SessionRecord
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
        self._record: SessionRecord | None = None

    async def run(self, client: Client) -> None:
        """Open or resume the session and send until something fails or the load ends."""
        record = self._record = self._record or SessionRecord(client.rng.hex_id(16))
        async with client.websocket(f"/session?id={record.session}") as socket:
            acked = await take_up(
                client, socket, record.session, opened=record.opened, remembered=record.remembered
            )
            self._settle(client, record, acked)
            await _Talk(client, record, socket).hold(begin_after=acked)

    def _settle(self, client: Client, record: SessionRecord, acked: int) -> None:
        """Raises ConnectionOverError where the gateway forgot what it had acknowledged."""
        record.opened = True
        if acked < record.remembered:
            # Forgetting counts once: what is left of this session is not held against the next.
            for seq in record.waiting:
                client.unknown(record.session, seq)
            self._record = None
            raise ConnectionOverError(f"the gateway forgot: it has {acked} of {record.remembered}")


class _Talk(Conversation[aiohttp.WSMessage]):
    """The protocol's frames."""

    def __init__(self, client: Client, record: SessionRecord, socket: WebSocket) -> None:
        super().__init__(client, record, socket)
        self._socket = socket
        self._body = "x" * client.payload

    async def deliver(self, seq: int) -> None:
        await self._socket.send_str(message_frame(seq, self._body))

    async def heard(self, message: aiohttp.WSMessage) -> None:
        self.acked(acked_in(self._client, message))
