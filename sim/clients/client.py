"""What a driver is given: one simulated client, with its connection, its pace and its record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import aiohttp

from sim.clients.ending import ConnectionClosedError
from sim.clients.exchanges import watch_exchanges
from sim.clients.load_spec import LoadSpec
from sim.clients.pace import Pace, Term, Watch
from sim.clients.urls import checked_path
from sim.clients.vantage import ClientContext, Vantage
from sim.clients.websocket import WebSocket, Wire, describe
from sim.observe.events import (
    Acked,
    Connected,
    Failed,
    PatternMatched,
    PatternMissed,
    Sent,
    SessionReady,
    Unknown,
)
from sim.observe.numbering import HOW
from sim.rng import Rng
from sim.routing.edge import SIM_MACHINE, SIM_REGION

T = TypeVar("T")

# A gateway that does not answer a close frame is left. aiohttp waits in real seconds.
_CLOSE_TIMEOUT = aiohttp.ClientWSTimeout(ws_close=1.0)


@dataclass
class _Message:
    attempts: int = 0
    sent_s: float = 0.0
    this_life: bool = True
    good: int = 0  # how many requests had been answered well when it went out


class Client:
    """One simulated client, through all of its connections. Seconds are simulated."""

    def __init__(
        self, vantage: Vantage, spec: LoadSpec, term: Term, context: ClientContext, rng: Rng
    ) -> None:
        self.name = vantage.name
        self.location = vantage.location
        self.vantage = vantage
        self.clock = context.clock
        self.rng = rng
        self.payload = spec.payload_bytes
        self.every_s = spec.every_s
        self.timeout_s = spec.timeout_s
        self.http: aiohttp.ClientSession
        self._forget_connection()
        self.conversing = False
        self.left_unanswered = 0
        self.on_settled: Callable[[], object] | None = None
        self.on_attempt: Callable[[], object] = lambda: None  # it asks the gateway for something
        self.on_again: Callable[[], object] = lambda: None  # the driver connects again itself
        self.exchanges = watch_exchanges(self._asked, self._answered, self._refused)
        self._asking = 0
        self._good = 0
        self._trouble: tuple[float, int] | None = None  # when a request was last answered 5xx
        self._sockets: list[WebSocket] = []
        self._told: set[WebSocket] = set()  # those of whose end `pace` has told
        self._watch = Watch(self._over)
        self._term = term
        self._write = context.journal.write
        self._messages: dict[tuple[str, int], _Message] = {}
        self._highest: dict[str, int] = {}  # by session: the highest number that was sent
        self._matched: set[str] = set()
        self._in_flight = 0
        self._turns = count(1)

    def _forget_connection(self) -> None:
        self.ended_s: float | None = (
            None  # since when it lost a connection, or got none, and asks nothing
        )
        self.lost_s: float | None = (
            None  # when the last of its WebSockets ended, if it asks nothing since
        )
        self.turned_away: Exception | None = None  # by this its last attempt to connect failed
        self.machine: tuple[str, str] | None = None
        self.down_by: str | None = None
        self.down_status: int | None = None
        self.served = False
        self.closed: ConnectionClosedError | None = None
        self.broken = False
        self.stuffed = False
        self.told_to_go = False
        self.answered = False
        self.taken = 0
        self.first_taken = ""

    def __repr__(self) -> str:
        return f"<Client {self.name}, {self._in_flight} unanswered, at {self.machine}>"

    # --- connecting ---

    @property
    def region(self) -> str | None:
        """The region that the last connection attempt was led to."""
        return self.vantage.region

    def url(self, path: str = "/", scheme: str = "http") -> str:
        """The gateway's public URL of a path. Raises InputError for what is no path."""
        return self.vantage.url(checked_path(path), scheme)

    @asynccontextmanager
    async def websocket(self, path: str = "/", **options: Any) -> AsyncIterator[WebSocket]:
        """A WebSocket to the gateway (options are aiohttp's `ws_connect`'s).

        It is read all the time (see WebSocket). It is closed with code 1000 at the block's end,
        and just dropped where the block raises.
        """
        options = {"timeout": _CLOSE_TIMEOUT, "max_msg_size": 0, **options, "autoclose": False}
        if self._is_over:
            self.on_again()
        try:
            wire = await self.within(self.http.ws_connect(self.url(path), **options))
        except Exception as error:
            self.turned_away = error
            if self._all_ended:
                self.ended_s = self.clock.now()
            raise
        assert isinstance(wire, Wire)  # noqa: S101 - what the session was told to make
        self.turned_away = None
        self.connected(wire.headers)
        self.closed = None
        socket = WebSocket(wire, self.clock, self._ended, self._taken)
        self._sockets.append(socket)
        try:
            yield socket
            await socket.close()
        except GeneratorExit:
            socket.let_go()
            raise
        except BaseException:
            socket.drop()
            raise
        finally:
            self._done_with(socket)
            await socket.gone()

    @property
    def _is_over(self) -> bool:
        """Whether this connection's life is over, though its driver goes on."""
        return self._all_ended and bool(self._sockets or self.closed or self.turned_away)

    def _done_with(self, socket: WebSocket) -> None:
        """The driver has left a WebSocket's block, or the connection's life is over before that."""
        if socket in self._sockets:
            self._sockets.remove(socket)
            self._told.discard(socket)
            self.closed = self.closed or socket.end
            self.stuffed |= socket.stuffed

    def _ended(self) -> None:
        now = self.clock.now()
        if self._all_ended:
            self.lost_s = now
        if self.ended_s is None:
            self.ended_s = now
        self._watch.ended()

    def _asked(self) -> None:
        self.on_attempt()
        self._asking += 1
        self.ended_s = self.lost_s = None

    def _answered(self) -> None:
        self._asking -= 1
        self._good += 1
        if self._sockets and self._all_ended:  # meanwhile
            self.ended_s = self.clock.now()

    def _refused(self, status: int | None) -> None:
        self._asking -= 1
        if status is not None:
            self._trouble = (self.clock.now(), status)
        if not self._asking and self._all_ended:
            self.ended_s = self.clock.now()

    @property
    def _all_ended(self) -> bool:
        return all(socket.end for socket in self._sockets)

    def _over(self) -> ConnectionClosedError | None:
        """The end of a WebSocket whose block the driver is in: once, while it has another."""
        ended = [socket for socket in self._sockets if socket.end]
        if len(ended) < len(self._sockets):
            ended = [socket for socket in ended if socket not in self._told]
        for socket in ended:
            self._told.add(socket)
            if end := socket.end:
                return ConnectionClosedError(end.code, end.reason)
        return None

    def _taken(self, message: aiohttp.WSMessage) -> None:
        if self._in_flight and not self.answered:
            self.taken += 1
            self.first_taken = self.first_taken or describe(message)

    def going_away(self) -> None:
        """The gateway has said by a message that it goes away, and the driver leaves for that."""
        self.told_to_go = True

    async def request(
        self, method: str, path: str, *, timeout_s: float | None = None, **options: Any
    ) -> aiohttp.ClientResponse:
        """The gateway's answer to an HTTP request from this client's place, with its body read.

        Options are aiohttp's `request`'s: `json`, `data`, `headers`, `params` and so on. Cookies
        are kept. Raises TimeoutError after the load's timeout, unless another is given.
        """
        return await self.within(self._ask(method, self.url(path), options), timeout_s)

    async def _ask(
        self, method: str, url: str, options: Mapping[str, Any]
    ) -> aiohttp.ClientResponse:
        response = await self.http.request(method, url, **options)
        await response.read()  # which also gives the connection back
        return response

    def connected(self, headers: Mapping[str, str]) -> None:
        """Say which machine answers, by an answer's headers; once for each connection counts."""
        first = self.machine is None
        self.machine = (
            headers.get(SIM_REGION, self.region or "?"),
            headers.get(SIM_MACHINE, "?"),
        )
        if first:
            self.conversing = True
            self._write(Connected(self.name, self.location, *self.machine))

    def turned_down(self, headers: Mapping[str, str] | None, status: int) -> None:
        """Take note of the machine that refused the connection, if one did and not an edge."""
        self.down_by = (headers or {}).get(SIM_MACHINE)
        self.down_status = status

    # --- pace ---

    def pace(self) -> Pace:
        """One turn per `every`, to loop over with `async for`; it ends when the load does.

        Turns are numbered from 1 on, through all connections of this client: no two of its turns
        have one number. (Those of another client do.) Where the gateway ends the connection it
        raises ConnectionClosedError, at once.
        """
        return Pace(self.every_s, self._term, self.clock, self._turns, self._watch)

    def number_after(self, last: int) -> None:
        """Let turns be numbered on from this one."""
        self._turns = count(last + 1)

    def calendar_s(self) -> float:
        """Seconds since 1970 by the calendars of machines, which at speed 10 run ahead of ours."""
        return self.clock.calendar_s()

    async def within(self, awaitable: Awaitable[T], timeout_s: float | None = None) -> T:
        """What it gives. Raises TimeoutError after the load's timeout."""
        async with self.clock.timeout(self.timeout_s if timeout_s is None else timeout_s):
            return await awaitable

    # --- the record ---

    def send(self, session: str, seq: int) -> None:
        """A message goes out now: for the first time, or again because nobody has answered it.

        A session is one client's, and a number in it means one message for good: the ledger
        doubts whatever is sent anew under a number that was acknowledged. Raises TypeError for a
        number that is not whole.
        """
        _check_names(session, seq)
        self._highest[session] = max(seq, self._highest.get(session, seq))
        message = self._messages.get((session, seq))
        if message is None:
            message = self._messages[session, seq] = _Message()
            self._in_flight += 1
        elif not message.this_life:
            message.this_life = True
            self._in_flight += 1
        message.attempts += 1
        message.sent_s = self.clock.now()
        message.good = self._good
        self._write(Sent(self.name, session, seq, message.attempts))

    def acked(self, session: str, seq: int, headers: Mapping[str, str] | None = None) -> None:
        """The gateway acknowledged a message; latency counts from when it last went out.

        Raises ValueError for one that was never sent, which only `send` can tell of, and for one
        where all that the gateway has answered since is 5xx.
        """
        _check_names(session, seq)
        if session not in self._highest or seq > self._highest[session]:
            raise ValueError(
                f"message {seq} was acknowledged and never sent: `client.send` tells of each"
                f" message that goes out ({HOW})"
            )
        if status := self._only_trouble(session, seq):
            raise ValueError(
                f"message {seq} was acknowledged, and what the gateway has answered is status"
                f" {status}: `client.failed` tells of a refusal ({HOW})"
            )
        if headers is not None:
            self.connected(headers)
        message = self._settle(session, seq)
        if message is None:
            return
        self.served = self.answered = True
        self.ended_s = None
        region, machine = self.machine or ("?", "?")
        latency_ms = round((self.clock.now() - message.sent_s) * 1000, 3)
        self._write(Acked(self.name, session, seq, region, machine, latency_ms))

    def _only_trouble(self, session: str, seq: int) -> int | None:
        """The 5xx that is all that can have answered a message; None where there may be more."""
        message = self._messages.get((session, seq))
        if message is None or self._trouble is None or self._asking or self._sockets:
            return None
        at_s, status = self._trouble
        return status if at_s >= message.sent_s and self._good == message.good else None

    def failed(self, session: str, seq: int, reason: str, status: int | None = None) -> None:
        """The gateway refused a message for certain: nothing of it is kept.

        `status` is that of the HTTP answer, where it was one.
        """
        _check_names(session, seq)
        if self._settle(session, seq) is not None:
            self.answered = True
            region = self.machine[0] if self.machine else self.region
            self._write(Failed(self.name, session, seq, region, reason, status))

    def unknown(self, session: str, seq: int) -> None:
        """Nobody waits for a message's answer any more: its fate cannot be known here."""
        _check_names(session, seq)
        if self._settle(session, seq) is not None:
            self._write(Unknown(self.name, session, seq))

    def session_ready(self, session: str, *, resumed: bool, acked: int, remembered: int) -> None:
        """The gateway took the session up (see the event of that name)."""
        for number in (acked, remembered):
            _check_names(session, number)
        region, machine = self.machine or ("?", "?")
        self.served = True
        self._write(SessionReady(self.name, session, region, machine, resumed, acked, remembered))

    def matched(self, pattern: str) -> None:
        """A message was what this pattern of the driver describes."""
        if pattern not in self._matched:
            self._matched.add(pattern)
            self._write(PatternMatched(self.name, pattern))

    def missed(self, pattern: str, messages: int, first: str) -> None:
        """So many messages came while the pattern was waited for in vain, and none was known."""
        self._write(PatternMissed(self.name, self.location, pattern, messages, first))

    # --- what the load does with it ---

    @property
    def in_flight(self) -> int:
        """Messages of this connection that are unanswered."""
        return self._in_flight

    def begin(self, http: aiohttp.ClientSession) -> None:
        """A new connection's life begins."""
        self.http = http
        self._forget_connection()

    def end(self) -> None:
        """A connection's life is over; what it left unanswered may be sent again in the next.

        So are WebSockets whose block the driver never left.
        """
        for socket in list(self._sockets):
            self._done_with(socket)
            socket.drop()
        for message in self._messages.values():
            message.this_life = False
        self.conversing = False
        self.ended_s = None
        self.left_unanswered = self._in_flight
        self._in_flight = 0
        self._tell()

    def abandon(self) -> None:
        """Whatever is unanswered now stays so."""
        for session, seq in list(self._messages):
            self.unknown(session, seq)

    def _settle(self, session: str, seq: int) -> _Message | None:
        message = self._messages.pop((session, seq), None)
        if message is not None and message.this_life:
            self._in_flight -= 1
            self._tell()
        return message

    def _tell(self) -> None:
        if self._in_flight == 0 and self.on_settled is not None:
            self.on_settled()


def _check_names(session: object, seq: object) -> None:
    """Raise TypeError for what does not name a message: what never compares equal is never found.

    An answer to `"7"` would otherwise be one to no message at all, and 7 never acknowledged.
    """
    if not isinstance(session, str):
        raise TypeError(f"a session is named by text, not {session!r} ({HOW})")
    if not isinstance(seq, int) or isinstance(seq, bool):
        raise TypeError(f"a message's number is a whole number, not {seq!r} ({HOW})")
