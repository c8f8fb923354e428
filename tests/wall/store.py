"""What the gateway keeps, in PostgreSQL: sessions with an epoch, and their messages in order.

Each taking up of a session raises its epoch, and a message is kept only under the epoch that its
connection was given. So of two connections of one session the older one can write nothing any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

CREATE = """
CREATE TABLE IF NOT EXISTS session (id text PRIMARY KEY, epoch int NOT NULL, last int NOT NULL);
CREATE TABLE IF NOT EXISTS message (at bigserial, session text, n int, body text);
CREATE INDEX IF NOT EXISTS message_of ON message (session, n);
CREATE TABLE IF NOT EXISTS lease (region text PRIMARY KEY);
"""
OPEN = """
INSERT INTO session VALUES ($1, 1, 0) ON CONFLICT (id) DO UPDATE SET epoch = session.epoch + 1
RETURNING epoch
"""
RESUME = "UPDATE session SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch"
# One statement: a machine that is frozen between two would hold the session's row meanwhile.
KEEP = """
WITH turn AS (
    UPDATE session SET last = $3 WHERE id = $1 AND epoch = $2 AND last < $3 RETURNING id
)
INSERT INTO message (session, n, body) SELECT id, $3, $4 FROM turn RETURNING n
"""
# The same without knowing what is kept already: for faults.
INSERT = """
WITH held AS (SELECT id FROM session WHERE id = $1 AND epoch = $2 FOR UPDATE)
INSERT INTO message (session, n, body) SELECT id, $3, $4 FROM held RETURNING n
"""
STANDS = "SELECT EXISTS (SELECT FROM session WHERE id = $1 AND epoch = $2)"
HAS = "SELECT EXISTS (SELECT FROM message WHERE session = $1 AND n = $2)"
ADD = "INSERT INTO message (session, n, body) VALUES ($1, $2, $3)"
LAST = "SELECT coalesce(max(n), 0) FROM message WHERE session = $1"
ALL = "SELECT n FROM message WHERE session = $1 ORDER BY at"
LEASE = "INSERT INTO lease VALUES ($1) ON CONFLICT DO NOTHING RETURNING region"

# Seconds of the world's clock, as machines see it.
_CONNECT_S, _COMMAND_S = 5.0, 2.5
_SIZE = 4
TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Store:
    """A few connections to the database. Each does one thing at a time; a broken one is replaced.

    (A pool of asyncpg's own waits for a cancellation request to come back before it lets a
    connection go, for ever where the database is cut off.)
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: asyncio.Queue[asyncpg.Connection[Any] | None] = asyncio.Queue()
        for _ in range(_SIZE):
            self._idle.put_nowait(None)

    async def create(self) -> None:
        """Make the tables. Another machine may do so at the same time."""
        async with self.connection() as connection:
            with suppress(asyncpg.UniqueViolationError, asyncpg.DuplicateTableError):
                await connection.execute(CREATE)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """One of the connections, for as long as the block lasts."""
        connection = await self._idle.get()
        try:
            if connection is None:
                connection = await asyncpg.connect(
                    self._url, timeout=_CONNECT_S, command_timeout=_COMMAND_S
                )
            yield connection
        except BaseException:
            connection = self.broken(connection)
            raise
        finally:
            self._idle.put_nowait(connection)

    def broken(self, connection: asyncpg.Connection[Any] | None) -> asyncpg.Connection[Any] | None:
        """What to do with a connection on which something failed: another is made in its place."""
        if connection is not None:
            connection.terminate()
        return None

    async def value(self, query: str, *values: object) -> Any:
        """The first value of a query's first row."""
        async with self.connection() as connection:
            return await connection.fetchval(query, *values)

    async def kept(self, session: str) -> list[int]:
        """The numbers of a session's messages, in the order of keeping."""
        async with self.connection() as connection:
            return [row["n"] for row in await connection.fetch(ALL, session)]
