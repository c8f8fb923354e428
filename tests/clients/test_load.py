"""The load in virtual time, with drivers that need no network."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sim.authority import CertificateAuthority
from sim.clients.backoff import BackoffSpec
from sim.clients.client import Client
from sim.clients.driver_run import GOES_ON, STAYS_AWAY
from sim.clients.ending import ConnectionClosedError, ConnectionOverError
from sim.clients.load import Load
from sim.clients.load_spec import LoadSpec
from sim.clients.pace import Watch
from sim.clients.vantage import ClientContext
from sim.clock import Clock
from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    DriverRaised,
    Failed,
    LoadEnded,
    LoadStarted,
    PartFailed,
    Sent,
    Unknown,
)
from sim.observe.journal import Journal, encode
from sim.rng import Rng
from sim.topology.addresses import AddressPlan
from tests.slot import SLOT

HEADERS = {"sim-region": "fra", "sim-machine": "fra-1"}


def client_context_in(topology, clock, journal):
    plan = AddressPlan(topology, SLOT)
    return ClientContext(
        topology, plan, 53, clock, journal, CertificateAuthority(topology.hostname)
    )


class Perfect:
    """Every message is acknowledged a tenth of a second later."""

    def __init__(self):
        self.seq = 0

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        async for _ in client.pace():
            self.seq += 1
            client.send(client.name, self.seq)
            await client.clock.sleep(0.1)
            client.acked(client.name, self.seq)


class Refused:
    async def run(self, _client: Client) -> None:
        raise ConnectionRefusedError(111, "Connection refused")


class Silent:
    """Sends once and waits for an answer that never comes."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.send(client.name, 1)
        await client.within(asyncio.get_running_loop().create_future())


class Deaf:
    """Sends once and never looks at its answer nor at the load's end."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.send(client.name, 1)
        await asyncio.get_running_loop().create_future()


class Buggy:
    async def run(self, _client: Client) -> None:
        raise KeyError("oops")


class Cancelled:
    """Waits for a task of its own that it has cancelled."""

    async def run(self, _client: Client) -> None:
        task = asyncio.ensure_future(asyncio.Event().wait())
        task.cancel()
        await task


class Exits:
    async def run(self, _client: Client) -> None:
        sys.exit(0)


class Outcome(BaseException):
    """As pytest's outcomes are."""


class Fails:
    async def run(self, _client: Client) -> None:
        raise Outcome


class Interrupts:
    async def run(self, _client: Client) -> None:
        raise KeyboardInterrupt


class Refuses:
    """Is told no, then leaves."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.send(client.name, 1)
        client.failed(client.name, 1, "status 500")
        client.acked(client.name, 1)  # too late: it is settled
        raise ConnectionOverError("status 500")


class Resending:
    """The first connection breaks off, the second gets the answer."""

    def __init__(self):
        self.lives = 0

    async def run(self, client: Client) -> None:
        self.lives += 1
        client.connected(HEADERS)
        await client.clock.sleep(1.0)
        client.send(client.name, 1)
        if self.lives == 1:
            raise ConnectionResetError(104, "Connection reset by peer")
        await client.clock.sleep(0.25)
        client.acked(client.name, 1)
        async for _ in client.pace():
            pass


class CutOff:
    """Everybody's connection ends at the same moment, ten seconds into the run, once."""

    def __init__(self):
        self.lives = 0

    async def run(self, client: Client) -> None:
        self.lives += 1
        client.connected(HEADERS)
        client.served = True
        if self.lives == 1:
            await client.clock.sleep_until(10.0)
            raise ConnectionResetError(104, "Connection reset by peer")
        async for _ in client.pace():
            pass


@pytest.fixture
def journal_of(virtually, monkeypatch, small_topology):
    """The records of a load of that driver for 10 s, in virtual time."""

    def run(driver, *, duration_s=10.0, stop_s=None, seed=7, warn=lambda _text: None, **fields):
        monkeypatch.setattr("sim.clients.load.load_driver", lambda _name, _folder: driver)

        async def scenario():
            clock = Clock(10.0)
            journal = Journal(clock)
            context = client_context_in(small_topology, clock, journal)
            load = Load(LoadSpec(**fields), context, Rng(seed, "load"), warn)
            if stop_s is not None:
                clock.call_later(stop_s, load.stop)
            await load.run(duration_s)
            assert load.records() == [r for r in journal.records if hasattr(r.event, "client")]
            return journal.records

        return virtually(scenario())

    return run


def only(records, kind):
    return [(r.t, r.event) for r in records if isinstance(r.event, kind)]


@pytest.mark.parametrize("duration_s", [10.0, math.inf])
def test_a_load_that_is_stopped_ends_then_and_politely(journal_of, duration_s):
    records = journal_of(Perfect, clients=4, duration_s=duration_s, stop_s=4.25)
    ((ended, _),) = only(records, LoadEnded)
    assert 4.25 <= ended <= 4.25 + 0.1 + 1e-6  # what was sent is still waited for
    assert max(t for t, _ in only(records, Sent)) <= 4.25
    ends = [event for _, event in only(records, Disconnected)]
    assert len(ends) == 4
    assert all(event.expected for event in ends)


def test_clients_are_spread_over_locations_and_named(journal_of):
    records = journal_of(Perfect, clients=5)
    assert records[0].event == LoadStarted(5, 1.0, 5.0)
    assert sorted(e.client for _, e in only(records, Connected)) == [
        "london/0",
        "london/1",
        "new-york/0",
        "new-york/1",
        "new-york/2",
    ]


def test_starts_are_spread_evenly_over_one_turn_in_the_seeds_order(journal_of):
    def starts(seed):
        return [
            (t, e.client) for t, e in only(journal_of(Perfect, clients=5, seed=seed), Connected)
        ]

    assert [t for t, _ in starts(1)] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert [name for _, name in starts(1)] != [name for _, name in starts(2)]


def test_so_many_clients_that_connecting_takes_longer_start_over_several_turns(journal_of):
    starts = [t for t, _ in only(journal_of(Perfect, clients=100, every_s=0.5), Connected)]
    # 100 clients at 2 real ms each, at speed 10: 2 simulated seconds.
    assert len(starts) == 100
    assert starts[-1] == pytest.approx(2.0 - 0.02)


def test_the_same_seed_gives_the_same_journal(journal_of):
    def lines(seed):
        return [encode(record) for record in journal_of(Resending, clients=5, seed=seed)]

    assert lines(1) == lines(1)
    assert lines(1) != lines(2)


def test_the_end_comes_before_the_closing_and_loses_no_answer(journal_of):
    records = journal_of(Perfect, clients=5, every_s=1.0)
    ((ended, _),) = only(records, LoadEnded)
    assert 10.0 <= ended < 10.2
    assert len(only(records, Sent)) == len(only(records, Acked)) == 50
    assert not only(records, Unknown)
    closed = only(records, Disconnected)
    assert len(closed) == 5
    assert all(t >= ended and e.expected for t, e in closed)
    assert {e.reason for _, e in closed} == {"closed by the client"}


def test_latency_is_in_simulated_milliseconds_at_any_speed(journal_of):
    records = journal_of(Perfect, clients=1)
    assert {e.latency_ms for _, e in only(records, Acked)} == {100.0}


def test_a_client_that_cannot_connect_backs_off_with_full_jitter(journal_of):
    records = journal_of(Refused, clients=1, duration_s=300.0, backoff=BackoffSpec(1.0, 16.0))
    failures = only(records, ConnectFailed)
    assert {(e.location, e.reason) for _, e in failures} == {("new-york", "Connection refused")}
    instants = [t for t, _ in failures]
    gaps = [b - a for a, b in pairwise(instants)]
    for gap, ceiling in zip(gaps, [1, 2, 4, 8] + [16] * 1000, strict=False):
        assert 0 <= gap <= ceiling + 1e-5
    assert len(gaps) > 20
    assert max(gaps) > 12


def test_a_herd_on_a_fixed_timer_comes_back_as_one(journal_of):
    def spread(backoff):
        records = journal_of(CutOff, clients=50, duration_s=60.0, backoff=backoff)
        back = [t for t, _ in only(records, Connected) if t > 10.0]
        assert len(back) == 50
        return min(back), max(back)

    assert spread(BackoffSpec(15.0, 15.0, "none")) == (25.0, 25.0)
    first, last = spread(BackoffSpec(15.0, 15.0, "full"))
    assert first < 11.0
    assert last > 24.0


def test_a_served_connection_resets_the_backoff(journal_of):
    records = journal_of(
        Silent, clients=1, timeout_s=0.5, duration_s=60.0, backoff=BackoffSpec(max_s=30.0)
    )
    never_served = [t for t, _ in only(records, Connected)]
    records = journal_of(Answered, clients=1, duration_s=60.0, backoff=BackoffSpec(max_s=30.0))
    always_served = [t for t, _ in only(records, Connected)]
    gaps = [b - a for a, b in pairwise(always_served)]
    assert max(gaps) <= 0.5 + 0.25 + 1e-5
    assert len(never_served) < len(always_served) / 2


class Answered:
    """Is answered once and cut off half a second later."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.send(client.name, 1)
        client.acked(client.name, 1)
        await client.clock.sleep(0.5)
        raise ConnectionResetError(104, "Connection reset by peer")


def test_an_answer_that_never_comes_ends_the_connection_and_stays_unknown(journal_of):
    records = journal_of(Silent, clients=1, timeout_s=2.0, duration_s=5.0)
    first = only(records, Disconnected)[0]
    assert first[0] == pytest.approx(2.0)
    assert (first[1].reason, first[1].expected) == ("no answer in time", False)
    assert [e.seq for _, e in only(records, Unknown)] == [1]
    assert only(records, LoadEnded)[0][0] == pytest.approx(5.0)


def test_a_driver_that_ignores_the_end_is_cut_off(journal_of):
    records = journal_of(Deaf, clients=3)
    unknown = [t for t, _ in only(records, Unknown)]
    assert unknown == pytest.approx([15.0] * 3)  # half a real second of patience, at speed 10


def test_the_end_does_not_wait_for_clients_that_back_off(virtually, monkeypatch, small_topology):
    monkeypatch.setattr("sim.clients.load.load_driver", lambda _name, _folder: Refused)

    async def scenario():
        clock = Clock()
        journal = Journal(clock)
        context = client_context_in(small_topology, clock, journal)
        spec = LoadSpec(clients=2, backoff=BackoffSpec(1000.0, 1000.0))
        await Load(spec, context, Rng(1)).run(3.0)
        return clock.now()

    assert virtually(scenario()) == pytest.approx(3.0)


def test_a_driver_that_returns_is_run_again(journal_of):
    records = journal_of(Brief, clients=1)
    ended = only(records, Disconnected)
    assert len(ended) > 3
    assert {(e.reason, e.expected) for _, e in ended} == {("the driver ended it", False)}


class Tenacious:
    """Takes whatever happens for an error like others, and goes on."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except (Exception, asyncio.CancelledError):  # noqa: BLE001 - as people write drivers
                await client.clock.sleep(0.2)


def test_a_driver_that_takes_its_cancellation_for_an_error_is_left_and_told(journal_of):
    told: list[str] = []
    records = journal_of(Tenacious, clients=2, warn=told.append)
    assert told == [f"driver session {GOES_ON}"]
    raised = {(e.client, e.file, e.error) for _, e in only(records, DriverRaised)}
    file = str(Path(__file__).relative_to(Path.cwd()))
    assert raised == {(name, file, GOES_ON) for name in ("london/0", "new-york/0")}


class CancelsItself:
    """As a reader does that cancels the main task where it hears the end."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.get_running_loop().create_future()


def test_a_driver_that_cancels_itself_is_told_and_comes_back(journal_of):
    records = journal_of(CancelsItself, clients=1)
    assert {e.error for _, e in only(records, DriverRaised)} == {"CancelledError"}
    assert len(only(records, Connected)) > 3


@dataclass(eq=False)
class Ended:
    """What a client sees of a WebSocket."""

    end: ConnectionClosedError | None
    stuffed: bool = False

    def drop(self) -> None:
        """See WebSocket."""


class StaysAway:
    """Knows that its connection has ended, and waits for ever."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.ended_s = client.clock.now()
        await asyncio.get_running_loop().create_future()


class KeepsAnEnd:
    """Waits for something of the one of its WebSockets that has ended."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        sockets: Any = [Ended(ConnectionClosedError(1001)), Ended(None)]
        client._sockets[:] = sockets
        client._ended()
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("driver", [StaysAway, KeepsAnEnd])
@pytest.mark.parametrize(("duration_s", "told"), [(9.0, []), (11.0, [11.0])])
def test_a_driver_that_is_away_for_longer_than_the_load_would_be_is_told(
    journal_of, driver, duration_s, told
):
    backoff = BackoffSpec(max_s=5.0)
    records = journal_of(driver, clients=1, duration_s=duration_s, backoff=backoff, timeout_s=4.0)
    raised = only(records, DriverRaised)
    assert [t for t, e in raised if e.error == STAYS_AWAY] == pytest.approx(told)


class Naps:
    """Knows that its connection has ended, and takes its time."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.ended_s = client.clock.now()
        await client.clock.sleep(7.0)


@pytest.mark.parametrize(("timeout_s", "told"), [(5.0, [7.0]), (7.0, [])])
def test_so_is_one_that_comes_back_later_than_the_load_would(journal_of, timeout_s, told):
    backoff = BackoffSpec(max_s=0.5)
    records = journal_of(Naps, clients=1, backoff=backoff, timeout_s=timeout_s)
    raised = only(records, DriverRaised)
    assert [(t, e.away_s) for t, e in raised] == [(pytest.approx(t), t) for t in told]


class Begins:
    """Has a task of its own that takes whatever happens for an error like others."""

    task: asyncio.Task[None] | None = None

    def __init__(self) -> None:
        Begins.task = asyncio.create_task(self._goes_on())

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        async for _ in client.pace():
            pass

    async def _goes_on(self) -> None:
        while True:
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()


def test_what_a_driver_began_beside_its_run_ends_with_the_load(journal_of):
    journal_of(Begins, clients=1)
    assert Begins.task is not None
    assert Begins.task.cancelled()


class Standby:
    """Has two WebSockets, one of which the gateway ends."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        sockets: Any = [Ended(ConnectionClosedError(1001)), Ended(None)]
        client._sockets[:] = sockets
        with pytest.raises(ConnectionClosedError):
            await anext(client.pace())
        async for turn in client.pace():
            client.send(client.name, turn)
            client.acked(client.name, turn)


def test_a_driver_with_another_connection_is_told_of_an_end_once(journal_of):
    records = journal_of(Standby, clients=1)
    assert not only(records, DriverRaised)
    assert not only(records, PartFailed)
    assert len(only(records, Acked)) == 10


class Oblivious:
    """Takes the end of its connection for an error like others, and asks for turns again."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client._watch = Watch(lambda: ConnectionClosedError(1001))
        while True:
            with contextlib.suppress(Exception):
                async for _ in client.pace():
                    pass


def test_a_driver_that_keeps_an_end_to_itself_is_told(journal_of):
    records = journal_of(Oblivious, clients=1)
    raised = only(records, DriverRaised)
    assert raised[0][0] < 0.1
    said = "EndIgnored: goes on although it was told: closed with code 1001"
    assert {e.error for _, e in raised} == {said}
    lines, first = inspect.getsourcelines(Oblivious.run)
    assert {e.line for _, e in raised} == {first + len(lines) - 2}


class Brief:
    async def run(self, client: Client) -> None:
        client.connected(HEADERS)


class Reads:
    """Has a task that takes the answers, which ends by a gateway's close, or by a mistake."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        client.send(client.name, 1)
        self.task = asyncio.ensure_future(self.read())
        await asyncio.get_running_loop().create_future()

    async def read(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError("oops"), ["KeyError: 'oops'"]), (ConnectionResetError(), [])]
)
def test_what_a_drivers_own_task_raises_is_the_drivers_and_is_told_when_it_does(
    journal_of, error, said
):
    records = journal_of(lambda: Reads(error), clients=1, duration_s=3.0)
    raised = only(records, DriverRaised)
    assert [e.error for _, e in raised] == said
    assert all(t < 1.0 for t, _ in raised)


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), Outcome()])
def test_a_drivers_own_task_cannot_end_the_program(journal_of, error):
    records = journal_of(lambda: Reads(error), clients=1, duration_s=3.0)
    ((_, raised),) = only(records, DriverRaised)
    assert raised.error.startswith(type(error).__name__)
    assert raised.line == inspect.getsourcelines(Reads.read)[1] + 1
    assert only(records, LoadEnded)


class Looks(Reads):
    """Looks at what its task raised once `asyncio.wait` has said that it is over."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        (done,), _ = await asyncio.wait([asyncio.ensure_future(self.read())])
        assert isinstance(done.exception(), KeyError)


def test_what_a_driver_takes_after_a_wait_is_no_mistake(journal_of):
    records = journal_of(lambda: Looks(KeyError("oops")), clients=1)
    assert only(records, Disconnected)
    assert not only(records, DriverRaised)


class Takes(Reads):
    """Takes what its task raises."""

    async def run(self, client: Client) -> None:
        client.connected(HEADERS)
        with pytest.raises(KeyError):
            await asyncio.ensure_future(self.read())


def test_what_a_driver_takes_from_its_own_task_is_no_mistake(journal_of):
    records = journal_of(lambda: Takes(KeyError("oops")), clients=1)
    assert only(records, Disconnected)
    assert not only(records, DriverRaised)


@pytest.mark.parametrize(
    ("driver", "error"),
    [
        (Buggy, "KeyError: 'oops'"),
        (Cancelled, "CancelledError"),
        (Exits, "SystemExit: 0"),
        (Interrupts, "KeyboardInterrupt"),
        (Fails, "Outcome"),
    ],
)
def test_a_bug_in_a_users_driver_is_told_once_and_ends_nothing(journal_of, driver, error):
    told: list[str] = []
    records = journal_of(driver, clients=4, warn=told.append)
    lines, first = inspect.getsourcelines(driver.run)
    line = first + len(lines) - 1
    file = str(Path(__file__).relative_to(Path.cwd()))
    assert told == [f"driver session raised: {file}:{line}: {error}"]
    raised = {(e.file, e.line, e.error) for _, e in only(records, DriverRaised)}
    assert raised == {(file, line, error)}
    words = {f"the driver raised {error}"}
    assert {e.reason for _, e in only(records, ConnectFailed)} == words
    assert {e.client for _, e in only(records, ConnectFailed)} >= {"london/0", "new-york/0"}
    assert only(records, LoadEnded)


def test_a_refused_message_is_settled_as_such(journal_of):
    records = journal_of(Refuses, clients=1, duration_s=0.1)
    assert [(e.seq, e.region, e.reason) for _, e in only(records, Failed)][:1] == [
        (1, "fra", "status 500")
    ]
    assert not only(records, Acked)
    assert not only(records, Unknown)


def test_a_message_may_be_sent_again_on_the_next_connection(journal_of):
    records = journal_of(Resending, clients=1)
    assert [e.attempt for _, e in only(records, Sent)] == [1, 2]
    ((_, acked),) = only(records, Acked)
    assert acked.latency_ms == pytest.approx(250.0)  # since it last went out
    assert not only(records, Unknown)
    assert only(records, LoadEnded)[0][0] == pytest.approx(10.0)  # nothing is waited for


def test_personalities_are_mixed_by_share(virtually, small_topology):
    async def scenario():
        clock = Clock()
        context = client_context_in(small_topology, clock, Journal(clock))
        spec = LoadSpec(clients=10, resolver={"strict": 50, "pinned": 50})
        load = Load(spec, context, Rng(1))
        kinds = [(c.location, c.vantage._cache._personality) for c in load.clients]
        for location, each in (("new-york", 3), ("london", 2)):
            assert kinds.count((location, "strict")) == each
            assert kinds.count((location, "pinned")) == each

    virtually(scenario())


def test_waiting_for_answers_is_no_part_of_what_is_judged(journal_of):
    """Else a client that has nothing more to ask would count as cut off meanwhile."""
    records = journal_of(Silent, clients=2, timeout_s=9.0, duration_s=3.0)
    assert only(records, LoadEnded)[0][0] == pytest.approx(3.0)
    assert [t > 3.0 for t, _ in only(records, Unknown)] == [True, True]
