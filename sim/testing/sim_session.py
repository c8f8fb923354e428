"""A session with the reference gateway's protocol, message by message, in a test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sim.clients.client import Client
from sim.clients.ending import ConnectionOverError
from sim.clients.reference import acked_in, message_frame, take_up
from sim.clients.websocket import WebSocket
from sim.testing.failures import CutOffError
from sim.testing.portal import Portal
from sim.topology.units import format_duration, parse_duration


@dataclass
class Notes:
    """What a client remembers of its session from one connection to the next.

    `own` is the last number given out, `remembered` the last one acknowledged; `bodies` are the
    messages in between.
    """

    session: str
    opened: bool = False
    own: int = 0
    remembered: int = 0
    bodies: dict[int, str] = field(default_factory=dict)


class SimSession:
    """One connection of a session. After its end `client.session()` resumes the session.

    `region` and `machine` serve it. `resumed`: it was known to the gateway, with all that had been
    acknowledged; `forgotten` counts what the gateway did not know of any more.
    """

    def __init__(
        self,
        client: Client,
        notes: Notes,
        socket: WebSocket,
        portal: Portal,
        hang_up: Callable[[str], Awaitable[None]],
    ) -> None:
        self.id = notes.session
        self.region, self.machine = client.machine or ("?", "?")
        self.resumed = False
        self.forgotten = 0
        self._client = client
        self._notes = notes
        self._socket = socket
        self._portal = portal
        self._hang_up = hang_up
        self._news = asyncio.Event()
        self._over: str | None = None
        self._listening: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = self._over or "open"
        return f"<SimSession {self.id} on {self.machine} in {self.region}, {state}>"

    @property
    def acked(self) -> int:
        """The number of the last message that was acknowledged."""
        return self._notes.remembered

    async def send(self, body: str = "x") -> int:
        """Send the next message, and give its number. Whether it is kept, `ack` tells."""
        return await self._portal.run(self._send_next(body))

    async def ack(self, number: int | None = None, *, within: str | None = None) -> None:
        """Wait until a message (by default the last one sent) is acknowledged.

        Raises CutOffError when the connection is lost first, TimeoutError after `within`
        (simulated; the client's timeout by default).
        """
        await self._portal.run(self._acknowledged(number, within))

    async def lost(self, *, within: str | None = None) -> str:
        """Wait until the connection is lost, and say why. Raises TimeoutError after `within`."""
        return await self._portal.run(self._until_lost(within))

    # --- on the world's own loop ---

    async def begin(self) -> None:
        """Wait until the gateway has taken the session up; send again what it has not."""
        client, notes = self._client, self._notes
        acked = await take_up(
            client,
            self._socket,
            notes.session,
            opened=notes.opened,
            remembered=notes.remembered,
        )
        self.forgotten = max(0, notes.remembered - acked)
        self.resumed = notes.opened and not self.forgotten
        notes.opened = True
        if self.forgotten:
            for seq in notes.bodies:
                client.unknown(notes.session, seq)
            notes.bodies.clear()
            notes.own = notes.remembered = acked
        notes.own = max(notes.own, acked)
        for seq, body in list(notes.bodies.items()):
            await self._send(seq, body)
        self._listening = asyncio.create_task(self._listen())

    async def end(self) -> None:
        """Listen no more: this side closes."""
        self._finish("closed by the client")
        if self._listening is not None and self._listening is not asyncio.current_task():
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    def _finish(self, reason: str) -> None:
        self._over = self._over or reason
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _send_next(self, body: str) -> int:
        self._demand_open()
        self._notes.own += 1
        self._notes.bodies[self._notes.own] = body
        await self._send(self._notes.own, body)
        return self._notes.own

    async def _send(self, seq: int, body: str) -> None:
        self._client.send(self._notes.session, seq)
        try:
            await self._socket.send_str(message_frame(seq, body))
        except ConnectionOverError as error:
            await self._lose(str(error))

    async def _listen(self) -> None:
        while self._over is None:
            try:
                seq = acked_in(self._client, await self._socket.receive())
            except ConnectionOverError as error:
                await self._lose(str(error))
                return
            self._notes.remembered = max(self._notes.remembered, seq)
            self._notes.bodies.pop(seq, None)
            self._client.acked(self._notes.session, seq)
            self._tell()

    async def _lose(self, reason: str) -> None:
        if self._over is None:
            self._over = reason
            await self._hang_up(reason)
            self._tell()

    async def _acknowledged(self, number: int | None, within: str | None) -> None:
        seq = self._notes.own if number is None else number
        try:
            async with self._client.clock.timeout(self._limit_s(within)):
                while seq > self._notes.remembered:
                    self._demand_open()
                    await self._news.wait()
        except TimeoutError:
            limit = format_duration(self._limit_s(within))
            raise TimeoutError(f"message {seq} was not acknowledged within {limit}") from None

    async def _until_lost(self, within: str | None) -> str:
        try:
            async with self._client.clock.timeout(self._limit_s(within)):
                while self._over is None:
                    await self._news.wait()
        except TimeoutError:
            limit = format_duration(self._limit_s(within))
            raise TimeoutError(f"the connection was not lost within {limit}") from None
        return self._over

    def _limit_s(self, within: str | None) -> float:
        return self._client.timeout_s if within is None else parse_duration(within)

    def _demand_open(self) -> None:
        if self._over is not None:
            raise CutOffError(f"{self._client.name} lost {self.region}: {self._over}")
