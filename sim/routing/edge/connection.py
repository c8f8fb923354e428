"""One client's connection at an edge, from its first request to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import h11

from sim.clock import Clock
from sim.observe.events import EdgeConnection
from sim.observe.journal import Journal
from sim.routing.edge import headers
from sim.routing.edge.exchange import BrokeOffError, HttpSide, Sending, answer, upload
from sim.routing.edge.headers import RefusedError, Visit
from sim.routing.edge.request_id import RequestIds
from sim.routing.edge.splice import splice
from sim.routing.edge.wire import Wire
from sim.topology.addresses import Endpoint

_LINGER_REAL_S = 1.0


@dataclass(frozen=True)
class MachineView:
    """A machine as the edge knows it: where it listens, and whether it is believed healthy."""

    id: str
    endpoint: Endpoint
    healthy: bool


@dataclass(frozen=True)
class Desk:
    """What all connections of an edge share. `pick` names the machines to try, in order."""

    region: str
    pick: Callable[[], Sequence[MachineView]]
    request_ids: RequestIds
    clock: Clock
    journal: Journal
    force_https: bool = False


class Connection:
    """Serves the requests of one client connection, one after another."""

    def __init__(self, desk: Desk, wire: Wire, visit: Visit, location: str | None) -> None:
        self._desk = desk
        self._wire = wire
        self._client = HttpSide(h11.SERVER, wire)
        self._visit = visit
        self._location = location
        self._machine: str | None = None
        self._method = b""
        self._status: int | None = None
        self._outcome = "closed"
        self._worth_journaling = False
        self._began = desk.clock.real_ms()

    async def run(self) -> None:
        """Serve until either side ends the connection."""
        try:
            await self._serve()
            self._wire.close()
            await self._wire.ended()
        except ConnectionError:
            pass  # the client is gone; nobody is left to be told
        finally:
            self._wire.abort()
            self._write_down()

    async def _serve(self) -> None:
        while True:
            try:
                event = await self._client.receive()
            except h11.RemoteProtocolError as error:
                self._worth_journaling = True
                self._respond(error.error_status_hint, str(error), self._desk.request_ids.next())
                return await self._linger()
            if not isinstance(event, h11.Request):
                return None
            await self._request(event)
            http = self._client.http
            if http.our_state is h11.SWITCHED_PROTOCOL:
                return None
            self._skip_read_body()
            if (http.our_state, http.their_state) != (h11.DONE, h11.DONE):
                return await self._linger()
            http.start_next_cycle()

    async def _request(self, request: h11.Request) -> None:
        request_id = self._desk.request_ids.next()
        self._method = request.method
        if request.method == b"OPTIONS" and request.target == b"*":
            # RFC 9110 9.3.7: a ping of the server itself; links measure their round trip by it.
            self._respond(200, "", request_id)
            return
        self._worth_journaling = True
        self._outcome = "closed"
        try:
            headers.check(request)
        except RefusedError as error:
            self._respond(error.status, str(error), request_id, close=True)
            return
        if self._desk.force_https and not self._visit.secure:
            location = (b"Location", headers.secured(request, self._visit))
            self._respond(301, "", request_id, more=[location])
            return
        reached = await self._reach()
        if reached is None:
            self._machine = None
            self._outcome = "refused"
            self._respond(503, f"no healthy machine in {self._desk.region}", request_id)
            return
        machine, wire = reached
        self._machine = machine.id
        try:
            await self._forward(request, HttpSide(h11.CLIENT, wire), request_id)
        finally:
            wire.abort()

    async def _reach(self) -> tuple[MachineView, Wire] | None:
        """A connection to the first machine that takes one.

        Nothing of the request has been consumed before that, so trying the next is safe.
        """
        loop = asyncio.get_running_loop()
        for machine in self._desk.pick():
            endpoint = machine.endpoint
            try:
                _, wire = await loop.create_connection(Wire, endpoint.host, endpoint.port)
            except OSError:
                continue
            return machine, wire
        return None

    async def _forward(self, request: h11.Request, machine: HttpSide, request_id: bytes) -> None:
        rewrite = partial(
            headers.for_client,
            region=self._desk.region,
            machine=self._machine,
            request_id=request_id,
        )
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a type checker's aid
        # Nobody waits for the answer of a client that left: its machine is let go at once.
        self._wire.when_gone(task.cancel)
        machine.send(headers.for_machine(request, self._visit, request_id))
        sending = Sending(self._client, machine) if headers.has_body(request) else None
        try:
            if sending is None:
                with suppress(ConnectionError):  # a machine that is gone shows when it must answer
                    await upload(self._client, machine)
            self._status = await answer(
                self._client, machine, rewrite, speaks_1_1=request.http_version >= b"1.1"
            )
            if sending is not None:
                await sending.finish()
        except BrokeOffError as error:
            malformed = sending.malformed if sending is not None else None
            self._broke_off(machine.wire, malformed, str(error), request_id)
            return
        finally:
            self._wire.when_gone(None)
            if sending is not None:
                await sending.cancel()
        if self._status == 101:
            await self._splice(machine)

    async def _splice(self, machine: HttpSide) -> None:
        crossed = await splice(self._wire, machine.wire, self._client.early, machine.early)
        self._wire.bytes_in += crossed.from_client
        self._wire.bytes_out += crossed.to_client
        if crossed.machine_broke_off:
            self._outcome = "failed"

    def _broke_off(
        self,
        machine: Wire,
        malformed: h11.RemoteProtocolError | None,
        reason: str,
        request_id: bytes,
    ) -> None:
        if malformed is not None:
            self._respond(malformed.error_status_hint, str(malformed), request_id, close=True)
            return
        self._outcome = "failed"
        if self._client.http.our_state is h11.SEND_RESPONSE:
            text = f"machine {self._machine} broke off: {reason}"
            self._respond(502, text, request_id, self._machine, close=True)
        elif machine.error is not None:
            # The head is out: only the end of the connection can say that the rest will not come.
            self._wire.reset()
            raise ConnectionAbortedError("the machine broke off in the middle of its answer")

    def _respond(
        self,
        status: int,
        text: str,
        request_id: bytes,
        machine: str | None = None,
        *,
        close: bool = False,
        more: headers.Headers = (),
    ) -> None:
        """Answer in the edge's own name; `machine` is the one to blame, if any."""
        self._status = status
        if self._client.http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            raise ConnectionAbortedError("an answer is already under way")
        body = f"{text}\n".encode() if text else b""
        fields = [
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(body)).encode()),
            *more,
        ]
        own = headers.for_client(fields, self._desk.region, machine, request_id)
        if close:
            own.append((b"Connection", b"close"))
        phrase = HTTPStatus(status).phrase.encode()
        self._client.send(h11.Response(status_code=status, headers=own, reason=phrase))
        if self._method != b"HEAD":
            self._client.send(h11.Data(data=body))
        self._client.send(h11.EndOfMessage())

    def _skip_read_body(self) -> None:
        """Pass over what has come of a body that nobody wanted."""
        while self._client.http.their_state is h11.SEND_BODY:
            try:
                if self._client.http.next_event() is h11.NEED_DATA:
                    return
            except h11.RemoteProtocolError:
                return

    async def _linger(self) -> None:
        """End our side, then wait a moment for the client to end its own.

        Closing with unread bytes would reset the connection, and the reset could overtake the
        answer on its way to the client (RFC 9112 9.6).
        """
        await self._wire.drain()
        self._wire.end()
        try:
            # Networks run in real time: so does this wait.
            async with self._desk.clock.timeout(_LINGER_REAL_S * self._desk.clock.speed):
                while await self._wire.read():
                    pass
        except TimeoutError:
            pass

    def _write_down(self) -> None:
        if not self._worth_journaling:
            return  # a probe of a link, or a connection without a word, is no client's
        self._desk.journal.write(
            EdgeConnection(
                region=self._desk.region,
                machine=self._machine,
                location=self._location,
                client=self._visit.client,
                bytes_in=self._wire.bytes_in,
                bytes_out=self._wire.bytes_out,
                real_ms=round(self._desk.clock.real_ms() - self._began, 3),
                outcome=self._outcome,
                status=self._status,
            )
        )
