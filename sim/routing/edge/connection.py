"""One client's connection at an edge, from its first request to its end."""

from __future__ import annotations

from http import HTTPStatus

import h11

from sim.observe.events import EdgeConnection
from sim.routing.edge import headers
from sim.routing.edge.context import EdgeContext, GiveUpError
from sim.routing.edge.headers import Visit
from sim.routing.edge.proxied_request import ProxiedRequest
from sim.routing.machine_choice import MachineView
from sim.streams.http.audience import Audience
from sim.streams.http.fields import Headers, RefusedError
from sim.streams.http.malformed import said_of
from sim.streams.http.peer import HttpPeer
from sim.streams.tcp import TcpStream

_LINGER_REAL_S = 1.0


class Connection:
    """Serves the requests of one client connection, one after another."""

    def __init__(
        self, context: EdgeContext, stream: TcpStream, visit: Visit, location: str | None
    ) -> None:
        self._context = context
        self._stream = stream
        self._client = HttpPeer(h11.SERVER, stream)
        self._visit = visit
        self._location = location
        self._proxied: ProxiedRequest | None = None
        self._method = b""
        self._status: int | None = None
        self._outcome = "closed"
        self._worth_journaling = False
        self._began_ms = context.clock.real_ms()
        self._asked = context.clock.now()

    async def run(self) -> None:
        """Serve until either side ends the connection."""
        try:
            await self._serve()
            self._stream.close()
            await self._stream.ended()
        except ConnectionError:
            pass  # the client is gone; nobody is left to be told
        finally:
            self._stream.abort()
            self._write_down()

    async def _serve(self) -> None:
        while True:
            try:
                async with self._context.clock.timeout(self._context.idle_timeout_s):
                    event = await self._client.receive()
            except h11.RemoteProtocolError as error:
                return await self._refuse(*said_of(error))
            except TimeoutError:
                if self._client.has_begun:
                    return await self._refuse(408, "the request's head was not complete in time")
                return None  # as Fly does: what the client sends just then meets a closed socket
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

    async def _refuse(self, status: int, text: str) -> None:
        """Answer what is no request, and end the connection."""
        self._is_a_clients()
        self._respond(status, text, self._context.request_ids.next(), close=True)
        await self._linger()

    async def _request(self, request: h11.Request) -> None:
        request_id = self._context.request_ids.next()
        self._method = request.method
        if request.method == b"OPTIONS" and request.target == b"*":
            # RFC 9110 9.3.7: a ping of the server itself; links measure their round trip by it.
            self._respond(200, "", request_id)
            return
        self._is_a_clients()
        self._outcome = "closed"
        try:
            headers.check(request)
        except RefusedError as error:
            self._respond(error.status, str(error), request_id, close=True)
            return
        if self._context.force_https and not self._visit.secure:
            location = (b"Location", headers.secured(request, self._visit))
            self._respond(301, "", request_id, more=[location])
            return
        self._proxied = proxied = ProxiedRequest(
            self._context, self._client, self._visit, request, request_id
        )
        try:
            with Audience(self._stream, request, self._context.clock):
                self._status = await proxied.run()
        except GiveUpError as error:
            self._outcome = error.outcome
            self._respond(error.status, str(error), request_id, error.machine, close=error.close)
        finally:
            if proxied.broke_off:
                self._outcome = "failed"

    def _respond(
        self,
        status: int,
        text: str,
        request_id: bytes,
        machine: MachineView | None = None,
        *,
        close: bool = False,
        more: Headers = (),
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
        region, name = (machine.region, machine.id) if machine else (self._context.region, None)
        own = headers.for_client(fields, region, name, request_id)
        if close:
            own.append((b"Connection", b"close"))
        phrase = HTTPStatus(status).phrase.encode()
        self._client.send(h11.Response(status_code=status, headers=own, reason=phrase))
        if self._method != b"HEAD":
            self._client.send(h11.Data(data=body))
        self._client.send(h11.EndOfMessage())
        if self._worth_journaling:
            self._context.counters.answered(status, self._context.clock.now() - self._asked)

    def _is_a_clients(self) -> None:
        """A request has begun to come; so this connection is no probe of a link."""
        self._asked = self._context.clock.now()
        if not self._worth_journaling:
            self._worth_journaling = True
            self._context.counters.opened(self._stream)

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
        await self._stream.drain()
        self._stream.end()
        try:
            # Networks run in real time: so does this wait.
            async with self._context.clock.timeout(_LINGER_REAL_S * self._context.clock.speed):
                while await self._stream.read():
                    pass
        except TimeoutError:
            pass

    def _write_down(self) -> None:
        if not self._worth_journaling:
            return  # a probe of a link, or a connection without a word, is no client's
        self._context.counters.closed(self._stream)
        machine = self._proxied.machine if self._proxied else None
        self._context.journal.write(
            EdgeConnection(
                region=self._context.region,
                machine=machine.id if machine else None,
                machine_region=machine.region if machine else None,
                location=self._location,
                client=self._visit.client,
                bytes_in=self._stream.bytes_in,
                bytes_out=self._stream.bytes_out,
                real_ms=round(self._context.clock.real_ms() - self._began_ms, 3),
                outcome=self._outcome,
                status=self._status,
            )
        )
