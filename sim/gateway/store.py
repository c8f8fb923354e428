"""The gateway's state: in the database, so that any machine can resume any session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sim.clock import Clock
from sim.gateway import tables
from sim.gateway.batches import Batches

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement


@dataclass(frozen=True)
class Variant:
    """How this gateway behaves. The defaults are right; the others are broken on purpose.

    `memory`: what a session was acknowledged is known to this machine only. `early`: messages
    are acknowledged on receipt and stored up to a second later. Without `dedupe`, a repeated
    message is stored again.
    """

    memory: bool = False
    early: bool = False
    dedupe: bool = True

    @property
    def strict(self) -> bool:
        """Whether seqs must follow each other: only who forgets nothing can demand it."""
        return not (self.memory or self.early)


class _Message(NamedTuple):
    session: str
    seq: int
    body: str
    stored: Callable[[int], None]


class _Opening(NamedTuple):
    session: str
    acked: asyncio.Future[int]


class Store:
    """Sessions and messages, written by one machine in group commits."""

    def __init__(self, dsn: str, region: str, machine: str, variant: Variant, clock: Clock) -> None:
        self._here = (region, machine)
        self._memory: dict[str, int] | None = {} if variant.memory else None
        create = tables.create(dedupe=variant.dedupe)
        insert = tables.insert(dedupe=variant.dedupe)
        linger_s = 1.0 if variant.early else 0.0
        self._messages = Batches(dsn, create, insert, self._store, clock, linger_s)
        self._openings = Batches(dsn, create, tables.OPEN, self._open, clock)

    @property
    def connected(self) -> bool:
        """Whether the database answered last."""
        return self._messages.connected and self._openings.connected

    def start(self) -> None:
        """Begin to connect; until the database is there, requests wait."""
        self._messages.start()
        self._openings.start()

    async def open(self, session: str) -> int:
        """Open or resume a session: the seq up to which all of its messages are stored."""
        acked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._openings.put(_Opening(session, acked))
        stored = await acked
        return stored if self._memory is None else self._memory.get(session, 0)

    def append(self, session: str, seq: int, body: str, stored: Callable[[int], None]) -> None:
        """Store a message, then call `stored(seq)`; a session's messages keep their order."""
        self._messages.put(_Message(session, seq, body, stored))

    async def flush(self) -> None:
        """Wait until every message is stored."""
        await self._messages.idle()

    async def stop(self) -> None:
        """Disconnect; what is not stored yet is dropped."""
        await self._messages.stop()
        await self._openings.stop()

    async def _open(self, statement: PreparedStatement, batch: Sequence[_Opening]) -> None:
        sessions = [opening.session for opening in batch]
        rows = await statement.fetch(json.dumps(sessions), *self._here)
        acked = {row["id"]: row["acked"] for row in rows}
        for opening in batch:
            if not opening.acked.done():  # its connection may be gone by now
                opening.acked.set_result(acked[opening.session])

    async def _store(self, statement: PreparedStatement, batch: Sequence[_Message]) -> None:
        # Sorted by session, so that two machines never lock each other out with the same rows in
        # opposite orders; the sort is stable, so a session's messages stay in order.
        rows = sorted(batch, key=lambda message: message.session)
        records = [{"session": m.session, "seq": m.seq, "body": m.body} for m in rows]
        await statement.fetch(json.dumps(records), *self._here)
        for message in batch:
            if self._memory is not None:
                self._memory[message.session] = message.seq
            message.stored(message.seq)
