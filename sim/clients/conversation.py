"""One connection's exchange of numbered messages and acknowledgements.

Open loop: a message every turn, whether or not earlier ones are acknowledged, up to a window. What
was not acknowledged when a connection ends is sent again on the next: delivery is at least once.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sim.clients.client import Client
from sim.clients.ending import ConnectionClosedError

WINDOW = 64

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


@dataclass
class SessionRecord:
    """What the client knows of one session."""

    session: str
    opened: bool = False
    own: int = 0  # the last number given out
    remembered: int = 0  # the last number acknowledged to this client
    waiting: dict[int, float] = field(default_factory=dict)  # unacknowledged: when sent; ascending

    @property
    def acked_up_to(self) -> int:
        """Up to which number all of it was acknowledged, where later ones may have been before."""
        oldest = min(self.waiting, default=None)
        return self.remembered if oldest is None else min(self.remembered, oldest - 1)


class Incoming(Protocol[M_co]):
    """Where the gateway's messages come from."""

    async def receive(self) -> M_co:
        """The next one."""


class Conversation(ABC, Generic[M]):
    """Sends what is due and listens, until something ends the connection."""

    def __init__(self, client: Client, record: SessionRecord, incoming: Incoming[M]) -> None:
        self._client = client
        self.record = record
        self._incoming = incoming
        self._timer: asyncio.TimerHandle | None = None
        self._late: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @abstractmethod
    async def deliver(self, seq: int) -> None:
        """Say the message of that number to the gateway."""

    @abstractmethod
    async def heard(self, message: M) -> None:
        """Take in what the gateway said. Raises ConnectionOverError where that ends it."""

    async def hold(self, begin_after: int) -> None:
        """Send and listen until the load ends. Raises what ended the connection before that.

        What still waits goes out first; new numbers begin after `begin_after`.
        """
        sending = asyncio.create_task(self._send_all(begin_after))
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait(
                (sending, listening, self._late), return_when=asyncio.FIRST_COMPLETED
            )
            if sending.done() and isinstance(sending.exception(), ConnectionClosedError):
                # What came before the end is still to be heard; then listening ends by it too.
                await asyncio.wait((listening, self._late), return_when=asyncio.FIRST_COMPLETED)
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

    def acked(self, seq: int) -> None:
        """The gateway acknowledged that message; again, or for one never sent, means nothing."""
        record = self.record
        if record.waiting.pop(seq, None) is not None:
            record.remembered = max(record.remembered, seq)
            self._client.acked(record.session, seq)

    async def _send_all(self, begin_after: int) -> None:
        record = self.record
        for seq in list(record.waiting):
            await self._send(seq)
        record.own = max(begin_after, record.own)
        async for _ in self._client.pace():
            if len(record.waiting) < WINDOW:
                record.own += 1
                await self._send(record.own)

    async def _send(self, seq: int) -> None:
        self.record.waiting[seq] = self._client.clock.now()
        self._client.send(self.record.session, seq)
        if self._timer is None:
            self._timer = self._client.clock.call_later(self._client.timeout_s, self._check)
        await self.deliver(seq)

    def _check(self) -> None:
        """One timer for all messages: look at the oldest, and come back when it will be due."""
        self._timer = None
        oldest = next(iter(self.record.waiting.values()), None)
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
        while True:
            await self.heard(await self._incoming.receive())
