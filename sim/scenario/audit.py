"""The audit: after the load, the database is asked what it holds of the run's messages.

It is asked past all links and by itself, so that no fault of the run can colour the answer.
"""

from __future__ import annotations

import asyncpg

from sim.clock import Clock
from sim.gateway.schema import STORED
from sim.observe.events import Audited, SessionReady, Stored
from sim.observe.journal import Journal

_CONNECT_REAL_S = 10.0


async def audit(url: str | None, journal: Journal, clock: Clock) -> None:
    """Journal what is stored of each session in this journal, then `Audited`."""
    if url is None:
        journal.write(Audited(error="the topology has no database"))
        return
    sessions = {r.event.session for r in journal.records if isinstance(r.event, SessionReady)}
    try:
        async with clock.timeout(_CONNECT_REAL_S * clock.speed):
            connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(STORED)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        journal.write(Audited(error=f"{type(error).__name__}: {error}"))
        return
    for session, seq, region, machine in rows:
        if session in sessions:
            journal.write(Stored(session, seq, region, machine))
    journal.write(Audited())
