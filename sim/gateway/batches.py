"""Group commit: what arrives while one round trip to the database is under way shares the next.

The database may be 90 ms away, so a round trip for each message would be eleven a second. And it
may be away altogether: then what waits goes on waiting, and is tried again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from sim.clock import Clock

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg.prepared_stmt import PreparedStatement

Item = TypeVar("Item")
Work = Callable[["PreparedStatement", Sequence[Item]], Awaitable[None]]

_MAX_BATCH = 500
_FIRST_BACKOFF_S, _MAX_BACKOFF_S = 0.1, 2.0
# How long a silent database (a cut link refuses nothing) is waited for before trying anew.
# Connecting takes about six round trips.
_CONNECT_TIMEOUT_S, _COMMAND_TIMEOUT_S = 4.0, 2.0


class Batches(Generic[Item]):
    """Items put in are worked off in batches, in order, over one connection of its own.

    `work` does a batch by running the statement once, also for an empty one, and must bear being
    repeated: when a connection breaks, nobody knows whether its last statement was carried out.
    `create` is what the statement needs, run once per connection. `linger_s` waits that long
    before each batch.
    """

    def __init__(
        self,
        dsn: str,
        create: str,
        statement: str,
        work: Work[Item],
        clock: Clock,
        linger_s: float = 0.0,
    ) -> None:
        self._dsn = dsn
        self._create = create
        self._statement = statement
        self._work = work
        self._clock = clock
        self._linger_s = linger_s
        self._waiting: list[Item] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._backoff_s = _FIRST_BACKOFF_S
        self.connected = False

    def start(self) -> None:
        """Connect, and begin to work off what is put in."""
        self._task = asyncio.create_task(self._keep_working())

    def put(self, item: Item) -> None:
        """Add an item to the next batch."""
        self._waiting.append(item)
        self._idle.clear()
        self._arrived.set()

    async def idle(self) -> None:
        """Wait until everything that was put in is done."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Stop working; what waits is dropped."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_working(self) -> None:
        while True:
            try:
                connection = await self._connect()
                try:
                    await connection.execute(self._create)
                    # Prepared now, so that a batch takes one round trip from the first one on.
                    statement = await connection.prepare(self._statement)
                    # asyncpg leaves a transaction open behind it (Flush, not Sync), whose locks
                    # would keep the next gateway from creating its tables: an empty batch ends it.
                    await self._work(statement, [])
                    self.connected = True
                    await self._work_off(statement)
                finally:
                    self.connected = False
                    connection.terminate()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it may come back
                self._complain(error)
            await self._clock.sleep(self._backoff_s)
            self._backoff_s = min(2 * self._backoff_s, _MAX_BACKOFF_S)

    async def _connect(self) -> Connection:
        import asyncpg  # noqa: PLC0415 - a fifth of a second that the start need not wait for

        return await asyncpg.connect(
            self._dsn, timeout=_CONNECT_TIMEOUT_S, command_timeout=_COMMAND_TIMEOUT_S
        )

    async def _work_off(self, statement: PreparedStatement) -> None:
        while True:
            await self._arrived.wait()
            await self._clock.sleep(self._linger_s)
            batch = self._waiting[:_MAX_BATCH]
            await self._work(statement, batch)
            self._backoff_s = _FIRST_BACKOFF_S
            del self._waiting[: len(batch)]
            if not self._waiting:
                self._arrived.clear()
                self._idle.set()

    def _complain(self, error: Exception) -> None:
        print(f"database: {type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - a gateway's log
