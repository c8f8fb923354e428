"""The audit: after the load, it is found out what is stored of the run's messages.

A driver that has `stored` is asked about each session; the reference gateway's messages are read
from its database. Either way it is asked past all links, so that no fault of the run can colour
the answer. Of any other gateway it cannot be known, and the journal says so.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from typing import Any, Protocol

import aiohttp
import asyncpg

from sim.clients.blame import contained, foreseen, mistake_of
from sim.clients.driver import Driver, Lagging, Ledger, Question
from sim.clients.driver_run import DriverRun, end_all
from sim.clients.drivers.declared import DeclaredLedger
from sim.clock import Clock
from sim.gateway.tables import STORED
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.observe.events import NOBODY, Acked, Audited, Sent, SessionReady, Stored
from sim.observe.journal import Journal, Record
from sim.observe.numbering import HOW
from sim.observe.numbers import Numbers
from sim.topology.model import Topology

ASKED_GATEWAY = "what the gateway kept"

_CONNECT_REAL_S = 10.0
_ANSWER_REAL_S = 10.0
_CLOSE_REAL_S = 1.0
_AT_ONCE = 16
_LOOK_AGAIN_REAL_S = 0.1


class _NoMachineError(Exception):
    """There is nobody to be asked."""


class Auditable(Protocol):
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


async def audit_database(
    world: Auditable, drivers: Mapping[str, Driver], said: Sequence[Record]
) -> None:
    """Journal what the reference gateway's database holds of what was `said`, then `Audited`."""
    url, journal = world.database_url(), world.journal
    if url is None:
        journal.write(Audited(error="the topology has no database"))
        return
    sessions = {r.event.session for r in said if isinstance(r.event, SessionReady)}

    async def look(asked: Collection[str]) -> dict[str, list[Stored]]:
        found: dict[str, list[Stored]] = {session: [] for session in asked}
        for row in await connection.fetch(STORED):
            if row["session"] in found:
                found[row["session"]].append(Stored(*row))
        return found

    try:
        async with world.clock.timeout(_CONNECT_REAL_S * world.clock.speed):
            connection = await asyncpg.connect(url)
        try:
            stored = await _settled(world, drivers, said, sessions, look)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        journal.write(Audited(error=f"the database: {type(error).__name__}: {error}"))
        return
    _write(journal, said, stored, Audited())


async def audit_drivers(
    world: Auditable, drivers: Mapping[str, Driver], said: Sequence[Record]
) -> None:
    """Ask each client's driver what is stored of its sessions, journal it, then `Audited`."""
    journal = world.journal
    sessions = {r.event.session: r.event.client for r in said if isinstance(r.event, Sent)}
    last = {r.event.session: r.event.machine for r in said if isinstance(r.event, Acked)}
    one_of_few = asyncio.Semaphore(_AT_ONCE)

    async def ask(session: str) -> list[Stored]:
        driver = drivers[sessions[session]]
        assert isinstance(driver, Ledger)  # noqa: S101 - the runner asks no others
        async with one_of_few:
            answer = await _ask(world, driver, session, sessions[session], last.get(session))
        return [Stored(session, seq, "", "") for seq in answer or ()]

    async def look(asked: Collection[str]) -> dict[str, list[Stored]]:
        answers = await asyncio.gather(*(ask(session) for session in asked))
        return dict(zip(asked, answers, strict=True))

    try:
        stored = await _settled(world, drivers, said, sessions, look)
    except Exception as failure:  # noqa: BLE001 - a user's driver must not end the run
        driver = next(iter(drivers.values()))
        journal.write(Audited(error=_explain(failure, driver), asked=ASKED_GATEWAY))
        return
    if last and not any(stored.values()):
        error = "the gateway has nothing of any session of the run: is the question the right one?"
        journal.write(Audited(error=error, asked=ASKED_GATEWAY))
        return
    _write(journal, said, stored, Audited(asked=ASKED_GATEWAY))


def cannot_audit(world: Auditable, driver: str) -> None:
    """Journal that a driver gives no way to find out what is stored, and what would."""
    world.journal.write(
        Audited(
            error=f"driver {driver} does not say how to ask; give it a method"
            " `async def stored(self, session)`, or `stored:` in YAML (docs/drivers.md)",
            asked=NOBODY,
        )
    )


async def _settled(
    world: Auditable,
    drivers: Mapping[str, Driver],
    said: Sequence[Record],
    sessions: Collection[str],
    look: Callable[[Collection[str]], Awaitable[dict[str, list[Stored]]]],
) -> dict[str, list[Stored]]:
    """What is stored of each session.

    Asked once, for reading may empty a queue. Only where a driver says that its store may lag are
    the sessions asked again of which something acknowledged is not there yet. A gateway's clock may
    be the real one or the world's: the longer of the two is waited.
    """
    promised: dict[str, set[int]] = {session: set() for session in sessions}
    for _, event in said:
        if isinstance(event, Acked) and event.session in promised:
            promised[event.session].add(event.seq)
    lags_s = [d.settles_within_s for d in drivers.values() if isinstance(d, Lagging)]
    until = world.clock.now() + max(lags_s, default=0.0) * max(1.0, world.clock.speed)
    stored: dict[str, list[Stored]] = {}
    asked: Collection[str] = sessions
    while True:
        stored |= await look(asked)
        asked = [s for s in asked if not promised[s] <= {row.seq for row in stored[s]}]
        if not asked or world.clock.now() >= until:
            return stored
        await world.clock.sleep(_LOOK_AGAIN_REAL_S * world.clock.speed)


def _write(
    journal: Journal, said: Sequence[Record], stored: Mapping[str, list[Stored]], audited: Audited
) -> None:
    """Journal what is stored of this load; what only earlier loads of this world sent is theirs.

    A number that an earlier load was acknowledged may be stored for it or for this one.
    """
    ours, earlier = _sent(said), _sent(_before(journal, said))
    both = ((s, seq) for s in ours if s in earlier for seq in ours[s] if seq in earlier[s])
    if twice := min(both, default=None):
        session, seq = twice
        error = (
            f"message {seq} of session {session} was sent by an earlier load of this world as well:"
            f" a new message needs a new number ({HOW})"
        )
        journal.write(replace(audited, error=error))
        return
    for rows in stored.values():
        for row in rows:
            if row.session not in earlier or row.seq not in earlier[row.session]:
                journal.write(row)
    journal.write(audited)


def _sent(records: Iterable[Record]) -> Mapping[str, Numbers]:
    """The numbers of the messages that were sent, by session."""
    found: dict[str, Numbers] = {}
    for _, event in records:
        if isinstance(event, Sent):
            found.setdefault(event.session, Numbers()).add(event.seq)
    return found


def _before(journal: Journal, said: Sequence[Record]) -> Iterator[Record]:
    """What the journal had before this load."""
    begin = said[0] if said else None
    return itertools.takewhile(lambda record: record != begin, journal.records)


async def _ask(
    world: Auditable, driver: Ledger, session: str, client: str, last: str | None
) -> Sequence[int] | None:
    """One session's answer, of the first machine that takes the question.

    One that has taken it may have answered it, unheard: nobody else is asked after it.
    """
    failure: Exception = _NoMachineError("no machine is up at the end of the run to be asked")
    for machine in _up(world.fleet, last):
        question_of = _session_to(machine, world.topology.hostname)
        async with question_of as http:
            question = Question(session, client, http, world.database_url())
            try:
                answer = await _answer(driver.stored(question))
            except aiohttp.ClientConnectorError as error:
                failure = error
            else:
                return None if answer is None else [_seq(seq) for seq in answer]
    raise failure


async def _answer(asked: Coroutine[Any, Any, Sequence[int] | None]) -> Sequence[int] | None:
    """What `stored` gives, in its time. It is left where it takes its end for an error."""
    over = False
    run = DriverRun(asked)
    asking = asyncio.create_task(contained(run, lambda: over))
    try:
        await asyncio.wait([asking], timeout=_ANSWER_REAL_S)
        if not asking.done():
            raise TimeoutError
        answer: Sequence[int] | None = asking.result()
        return answer
    finally:
        over = True
        await end_all({asking: run.leave}, _CLOSE_REAL_S)


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


def _explain(error: Exception, driver: Driver) -> str:
    """Why there is no answer: no machine is up, none came in time, or where `stored` raised."""
    if isinstance(error, _NoMachineError):
        return str(error)
    if cause := foreseen(error):
        return f"{type(cause).__name__}: {str(cause) or 'no answer in time'}"
    if isinstance(driver, DeclaredLedger):
        return str(error)
    return f"`stored` raised at {mistake_of(error, driver, None)}"
