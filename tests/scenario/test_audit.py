"""The audit asks once, and again only of a store that may lag."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from sim.clients.driver import Lagging, Ledger
from sim.clients.drivers.session import Session
from sim.clock import Clock
from sim.observe.events import Acked, Audited, Sent, Stored
from sim.observe.history import History
from sim.observe.journal import Record
from sim.observe.ledger import balance
from sim.scenario.audit import audit_drivers, cannot_audit

REFUSED: Any = SimpleNamespace(host="127.0.0.1", port=1, ssl=False)
SAID = [
    Record(0.0, Sent("london/0", "s", 1)),
    Record(0.1, Acked("london/0", "s", 1, "fra", "m1", 9.0)),
]


@dataclass
class LateDriver:
    """One whose gateway has stored everything when it is asked for the n-th time."""

    times: int
    settles_within_s: float
    asked: int = 0

    async def run(self, client):
        raise NotImplementedError

    async def stored(self, _session):
        self.asked += 1
        return [1] if self.asked >= self.times else []


class QueueDriver:
    """One whose gateway gives out what it has, and has it no more."""

    settles_within_s = 0.0

    def __init__(self, error=None):
        self.kept = {"s": [1], "t": []}
        self.error = error
        self.asked = []

    async def run(self, client):
        raise NotImplementedError

    async def stored(self, session):
        self.asked.append((session.id, session.http._base_url.port))
        if self.error:
            raise self.error
        kept, self.kept[session.id] = self.kept[session.id], []
        return kept


@pytest.fixture
def world():
    machines = {
        f"m{n}": SimpleNamespace(id=f"m{n}", condition="started", endpoint=f"127.0.0.1:{n}")
        for n in (1, 2)
    }
    written: list[Any] = []
    return SimpleNamespace(
        topology=SimpleNamespace(hostname="x.fly.dev"),
        fleet=SimpleNamespace(machines=machines),
        journal=SimpleNamespace(write=written.append, written=written, records=SAID),
        clock=None,  # made in the loop
        database_url=lambda: None,
    )


@pytest.mark.parametrize("speed", [1.0, 10.0])
@pytest.mark.parametrize(
    ("driver", "stored", "asked"),
    [
        (LateDriver(1, 0.0), 1, 1),
        (LateDriver(2, 0.0), 0, 1),
        (LateDriver(1, 0.95), 1, 1),
        (LateDriver(3, 0.95), 1, 3),
        (LateDriver(10**9, 0.95), 0, 11),
    ],
)
def test_only_a_store_that_may_lag_is_asked_again(virtually, world, speed, driver, stored, asked):
    driver = replace(driver)

    async def scenario():
        world.clock = Clock(speed)
        await audit_drivers(world, {"london/0": driver}, SAID)
        found = [event for event in world.journal.written if isinstance(event, Stored)]
        assert len(found) == stored
        assert isinstance(world.journal.written[-1], Audited)
        assert driver.asked == asked
        assert world.clock.now() <= 1.2 * speed

    virtually(scenario())


def test_the_reference_gateways_store_may_lag():
    """It is read from its database, and its driver need not ask for that to be waited for."""
    assert isinstance(Session(), Lagging)
    assert not isinstance(Session(), Ledger)


def test_a_session_is_asked_once_of_whom_it_was_last_served_by(virtually, world):
    async def scenario():
        world.clock = Clock()
        driver = QueueDriver()
        said = [*SAID, Record(0.2, Sent("london/0", "t", 1))]
        world.journal.records = said
        await audit_drivers(world, {"london/0": driver}, said)
        assert driver.asked == [("s", 1), ("t", 1)]
        assert [e.seq for e in world.journal.written if isinstance(e, Stored)] == [1]

    virtually(scenario())


@pytest.mark.parametrize(
    ("error", "asked", "said"),
    [
        (aiohttp.ClientConnectorError(REFUSED, OSError(111, "refused")), [1, 2], "Cannot connect"),
        (aiohttp.ServerDisconnectedError(), [1], "ServerDisconnectedError"),
        (TimeoutError(), [1], "no answer in time"),
        (SystemExit(0), [1], "SystemExit: 0"),
        (asyncio.CancelledError(), [1], "CancelledError"),
    ],
)
def test_another_is_asked_only_where_the_first_never_heard_the_question(
    virtually, world, error, asked, said
):
    async def scenario():
        world.clock = Clock()
        driver = QueueDriver(error)
        await audit_drivers(world, {"london/0": driver}, SAID)
        assert [port for _, port in driver.asked] == asked
        assert said in world.journal.written[-1].error

    virtually(scenario())


@pytest.mark.parametrize("nothing", [None, ()])
def test_where_nothing_is_stored_of_any_session_the_question_may_be_wrong(
    virtually, world, nothing
):
    async def scenario():
        world.clock = Clock()
        driver = QueueDriver()
        driver.kept = {"s": nothing, "t": nothing}
        said = [*SAID, Record(0.2, Sent("london/0", "t", 1))]
        await audit_drivers(world, {"london/0": driver}, said)
        (audited,) = world.journal.written
        assert "is the question the right one?" in audited.error

    virtually(scenario())


def test_what_an_earlier_load_sent_is_not_this_ones(virtually, world):
    async def scenario():
        world.clock = Clock()
        driver = QueueDriver()
        driver.kept = {"s": [1, 2, 3]}
        said = [Record(9.0, Sent("london/0", "s", seq)) for seq in (2, 3)]
        world.journal.records = [*SAID, *said]
        await audit_drivers(world, {"london/0": driver}, said)
        assert [e.seq for e in world.journal.written if isinstance(e, Stored)] == [2, 3]

    virtually(scenario())


def test_a_number_that_an_earlier_load_sent_too_proves_nothing(virtually, world):
    async def scenario():
        world.clock = Clock()
        said = [Record(9.0, Sent("london/0", "s", 1))]
        world.journal.records = [*SAID, *said]
        await audit_drivers(world, {"london/0": QueueDriver()}, said)
        (audited,) = world.journal.written
        assert "message 1 of session s was sent by an earlier load" in audited.error

    virtually(scenario())


def test_a_driver_that_knows_no_way_to_ask_is_told_apart(world):
    cannot_audit(world, "mine:Driver")
    ledger = balance(History([Record(0.0, world.journal.written[0])]))
    assert (ledger.audited, ledger.askable) == (False, False)
    assert "`async def stored(self, session)`" in ledger.why_not_audited


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            KeyError("room"),
            "`stored` raised at tests/scenario/test_audit.py:{line}: KeyError: 'room'",
        ),
        (TimeoutError(), "TimeoutError: no answer in time"),
    ],
)
def test_what_a_driver_raised_is_told_with_its_place(virtually, world, error, told):
    async def scenario():
        world.clock = Clock()
        await audit_drivers(world, {"london/0": QueueDriver(error)}, SAID)
        (audited,) = world.journal.written
        line = inspect.getsourcelines(QueueDriver.stored)[1] + 3
        assert audited.error == told.format(file="tests/scenario/test_audit.py", line=line)

    virtually(scenario())


class Tenacious(QueueDriver):
    async def stored(self, _session):
        while True:
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()


class CancelsItself(QueueDriver):
    async def stored(self, _session):
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    ("driver", "told"),
    [(Tenacious, "TimeoutError: no answer in time"), (CancelsItself, "CancelledError")],
)
def test_a_question_ends_whatever_it_makes_of_its_cancellation(virtually, world, driver, told):
    async def scenario():
        world.clock = Clock()
        await audit_drivers(world, {"london/0": driver()}, SAID)
        (audited,) = world.journal.written
        assert told in audited.error

    virtually(scenario())
