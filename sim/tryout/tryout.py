"""One client at one gateway: two connections of a few messages, and what is stored of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import aiohttp

from sim.clients.blame import contained, foreseen, mistake_of
from sim.clients.client import Client
from sim.clients.declaration import Declaration
from sim.clients.driver import Driver, Ledger, Question
from sim.clients.driver_loading import load_driver
from sim.clients.http_declaration import InData
from sim.clients.load import why_ended
from sim.clients.load_spec import LoadSpec
from sim.clients.own_tasks import hear_own_tasks, hearing_callbacks
from sim.clients.vantage import ClientContext, Vantage
from sim.clock import Clock
from sim.observe.events import Acked, Failed, PatternMissed, Sent, SessionReady
from sim.observe.journal import Journal, Record
from sim.rng import Rng
from sim.tryout.matches import matches
from sim.tryout.telling import Tell, telling_http, telling_wire

_ANSWERED_WITHIN_S = 2.0


@dataclass
class Tried:
    """What came of it. `mistake` is the driver's own, `ended` why a connection ended early."""

    sent: set[tuple[str, int]] = field(default_factory=set)
    acked: set[tuple[str, int]] = field(default_factory=set)
    mistake: str | None = None
    ended: str | None = None


class _Place:
    """Where the client is: straight at the gateway."""

    name = "client/1"
    location = "here"
    region = None
    doing = "waiting for an answer"

    def __init__(self, against: str) -> None:
        self._against = against.rstrip("/")

    def url(self, path: str, scheme: str = "http") -> str:
        parts = urlsplit(self._against)
        secure = "s" if parts.scheme in ("https", "wss") else ""
        return f"{scheme}{secure}://{parts.netloc}{parts.path}{path}"


class _Term:
    """A connection's time, which ends after so many messages."""

    def __init__(self, clock: Clock) -> None:
        self.ends_at = math.inf
        self.settled = asyncio.Event()
        self._clock = clock
        self._left = 0

    def begin(self, messages: int) -> None:
        self.ends_at, self._left = math.inf, messages

    def note(self, record: Record) -> None:
        if isinstance(record.event, Sent):
            self.settled.clear()
            self._left -= 1
            if self._left <= 0:
                self.ends_at = self._clock.now()

    async def closing(self) -> None:
        try:
            async with self._clock.timeout(_ANSWERED_WITHIN_S):
                await self.settled.wait()
        except TimeoutError:
            pass


async def try_out(
    spec: LoadSpec, against: str, tell: Tell, connections: tuple[int, ...] = (3, 1)
) -> Tried:
    """Live `connections`, each of so many messages. Raises InputError where there is no driver."""
    driver = load_driver(spec.driver, spec.folder)()
    tried = Tried()

    def raised_in_a_task(error: Exception) -> None:
        if foreseen(error) is None:
            _blame(error, driver, spec, tried, tell)

    hear_own_tasks(raised_in_a_task)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        hearing_callbacks(raised_in_a_task, lambda _, told: loop.default_exception_handler(told))
    )
    clock = Clock()
    journal = Journal(clock)
    journal.subscribe(lambda record: _note(record, tried, tell))
    place = _Place(against)
    setting = cast("ClientContext", SimpleNamespace(clock=clock, journal=journal))
    term = _Term(clock)
    journal.subscribe(term.note)
    client = Client(cast("Vantage", place), spec, term, setting, Rng(1))
    client.on_settled = term.settled.set
    jar = aiohttp.CookieJar(unsafe=True)
    wire = telling_wire(tell, _meaning(spec.driver))
    for number, messages in enumerate(connections, 1):
        tell(f"connection {number}{': the client comes back' if number > 1 else ''}")
        term.begin(messages)
        async with aiohttp.ClientSession(
            cookie_jar=jar, ws_response_class=wire, trace_configs=[telling_http(tell)]
        ) as http:
            client.begin(http)
            goes_on = await _live(driver, client, spec, tried, tell)
            client.end()
        if not goes_on:
            return tried
    if isinstance(driver, Ledger):
        await _ask(driver, tried, place, tell)
    return tried


async def _live(driver: Driver, client: Client, spec: LoadSpec, tried: Tried, tell: Tell) -> bool:
    """One connection's life; whether it ended as it should."""
    try:
        await contained(driver.run(client))
    except Exception as error:  # noqa: BLE001 - what a driver raises is what is asked about
        if cause := foreseen(error):
            tried.ended = why_ended(cause, client)
            tell(f"  it ended: {tried.ended}")
        else:
            _blame(error, driver, spec, tried, tell)
        return False
    return True


def _blame(error: Exception, driver: Driver, spec: LoadSpec, tried: Tried, tell: Tell) -> None:
    declared = spec.driver if isinstance(spec.driver, InData) else None
    tried.mistake = str(mistake_of(error, driver, declared))
    tell(f"  the driver raised {tried.mistake}")


async def _ask(driver: Ledger, tried: Tried, place: _Place, tell: Tell) -> None:
    """What is stored of each session, beside what was acknowledged."""
    tell("stored: what the gateway has kept")
    async with aiohttp.ClientSession(place.url("/"), trace_configs=[telling_http(tell)]) as http:
        for session in sorted({name for name, _ in tried.acked}):
            try:
                numbers = await contained(driver.stored(Question(session, place.name, http)))
            except Exception as error:  # noqa: BLE001 - as above
                tried.mistake = f"stored: {type(error).__name__}: {error}"
                tell(f"  it raised {type(error).__name__}: {error}")
                continue
            acked = {number for name, number in tried.acked if name == session}
            missing = sorted(acked - {*(numbers or ())})
            lost = (
                f"acknowledged and not there: {missing}" if missing else "all acknowledged is there"
            )
            tell(f"  of {session}: {[*numbers] if numbers is not None else 'nothing'}; {lost}")


def _note(record: Record, tried: Tried, tell: Tell) -> None:
    match record.event:
        case SessionReady() as ready:
            how = "was taken up again" if ready.resumed else "is new"
            tell(f"  session {ready.session} {how}; the gateway has up to message {ready.acked}")
        case Sent() as sent:
            tried.sent.add((sent.session, sent.seq))
        case Acked() as acked:
            tried.acked.add((acked.session, acked.seq))
            tell(f"  message {acked.seq} is acknowledged after {acked.latency_ms:.1f} ms")
        case Failed() as failed:
            tell(f"  message {failed.seq} is refused: {failed.reason}")
        case PatternMissed() as missed:
            tell(f"  {missed.pattern} matched none of {missed.messages} messages: {missed.first}")


def _meaning(driver: str | InData) -> Callable[[str | bytes], str]:
    if not isinstance(driver, Declaration):
        return lambda _: ""
    return lambda said: f"    is {matches(driver, said)}"
