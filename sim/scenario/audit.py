"""The audit: after the load, it is found out what is stored of the run's messages.

A driver that has `stored` is asked about each session; the reference gateway's messages are read
from its database. Either way it is asked past all links, so that no fault of the run can colour
the answer. Of any other gateway it cannot be known, and the journal says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import aiohttp
import asyncpg

from sim.clients.driver import Driver, Ledger, Question
from sim.clock import Clock
from sim.gateway.schema import STORED
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.observe.events import Acked, Audited, Sent, SessionReady, Stored
from sim.observe.journal import Journal, Record
from sim.topology.model import Topology

ASKED_GATEWAY = "what the gateway kept"

_CONNECT_REAL_S = 10.0
_ANSWER_REAL_S = 10.0
_AT_ONCE = 16
_SETTLE_REAL_S = 1.0
_LOOK_AGAIN_REAL_S = 0.1


class Audience(Protocol):
    """The parts of a world that an audit asks."""

    @property
    def topology(self) -> Topology:
        """What the world was built from."""

    @property
    def fleet(self) -> Fleet:
        """Its machines."""

    @property
    def journal(self) -> Journal:
        """Where what is found is written."""

    @property
    def clock(self) -> Clock:
        """Its clock."""

    def database_url(self) -> str | None:
        """How to reach the database past all links, or None where there is none."""


async def audit_database(world: Audience, said: Sequence[Record]) -> None:
    """Journal what the reference gateway's database holds of what was `said`, then `Audited`."""
    url, journal = world.database_url(), world.journal
    if url is None:
        journal.write(Audited(error="the topology has no database"))
        return
    sessions = {r.event.session for r in said if isinstance(r.event, SessionReady)}

    async def look() -> list[Stored]:
        rows = await connection.fetch(STORED)
        return [Stored(*row) for row in rows if row["session"] in sessions]

    try:
        async with world.clock.timeout(_CONNECT_REAL_S * world.clock.speed):
            connection = await asyncpg.connect(url)
        try:
            stored = await _settled(world, said, look)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        journal.write(Audited(error=f"the database: {type(error).__name__}: {error}"))
        return
    for row in stored:
        journal.write(row)
    journal.write(Audited())


async def audit_drivers(
    world: Audience, drivers: Mapping[str, Driver], said: Sequence[Record]
) -> None:
    """Ask each client's driver what is stored of its sessions, journal it, then `Audited`."""
    journal = world.journal
    sessions = {r.event.session: r.event.client for r in said if isinstance(r.event, Sent)}
    last = {r.event.session: r.event.machine for r in said if isinstance(r.event, Acked)}
    one_of_few = asyncio.Semaphore(_AT_ONCE)

    async def ask(session: str, client: str) -> Sequence[int] | None:
        driver = drivers[client]
        assert isinstance(driver, Ledger)  # noqa: S101 - the runner asks no others
        async with one_of_few:
            return await _ask(world, driver, session, client, last.get(session))

    async def look() -> list[Stored]:
        answers = await asyncio.gather(*(ask(*pair) for pair in sessions.items()))
        if last and all(answer is None for answer in answers):
            raise LookupError(
                "the gateway knows none of the run's sessions: is the question the right one?"
            )
        return [
            Stored(session, seq, "", "")
            for session, answer in zip(sessions, answers, strict=True)
            for seq in answer or ()
        ]

    try:
        stored = await _settled(world, said, look)
    except Exception as failure:  # noqa: BLE001 - a user's driver must not end the run
        journal.write(Audited(error=_explain(failure), asked=ASKED_GATEWAY))
        return
    for row in stored:
        journal.write(row)
    journal.write(Audited(asked=ASKED_GATEWAY))


def cannot_audit(world: Audience, driver: str) -> None:
    """Journal that a driver gives no way to find out what is stored, and what would."""
    world.journal.write(
        Audited(
            error=f"driver {driver} does not say how to ask; give it a method"
            " `async def stored(self, session)`, or `stored:` in YAML (docs/drivers.md)",
            asked=ASKED_GATEWAY,
        )
    )


async def _settled(
    world: Audience, said: Sequence[Record], look: Callable[[], Awaitable[list[Stored]]]
) -> list[Stored]:
    """What is stored, as soon as all that was acknowledged is, or else after a moment.

    A gateway that acknowledges before it has stored may be about to; only what it never stores is
    lost.
    """
    promised = {(r.event.session, r.event.seq) for r in said if isinstance(r.event, Acked)}
    until = world.clock.now() + _SETTLE_REAL_S * world.clock.speed
    while True:
        stored = await look()
        kept = {(row.session, row.seq) for row in stored}
        if promised <= kept or world.clock.now() >= until:
            return stored
        await world.clock.sleep(_LOOK_AGAIN_REAL_S * world.clock.speed)


async def _ask(
    world: Audience, driver: Ledger, session: str, client: str, last: str | None
) -> Sequence[int] | None:
    """One session's answer, of the first machine that can be reached."""
    failure: Exception = LookupError("no machine is up at the end of the run to be asked")
    for machine in _up(world.fleet, last):
        question_of = _session_to(machine, world.topology.hostname)
        async with question_of as http:
            question = Question(session, client, http, world.database_url())
            try:
                async with world.clock.timeout(_ANSWER_REAL_S * world.clock.speed):
                    answer = await driver.stored(question)
            except (aiohttp.ClientConnectionError, TimeoutError) as error:
                failure = error
            else:
                return None if answer is None else [_seq(seq) for seq in answer]
    raise failure


def _up(fleet: Fleet, last: str | None) -> list[Machine]:
    """The machines that run, the one that answered last before the others."""
    up = [m for m in fleet.machines.values() if m.condition == State.STARTED]
    return sorted(up, key=lambda machine: machine.id != last)


def _session_to(machine: Machine, hostname: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        base_url=f"http://{machine.endpoint}/",
        headers={"Host": hostname},
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None),
    )


def _seq(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"`stored` must give whole numbers, not {value!r}")


def _explain(error: Exception) -> str:
    text = str(error) or "no answer in time"
    return (
        text if isinstance(error, LookupError | ValueError) else f"{type(error).__name__}: {text}"
    )
