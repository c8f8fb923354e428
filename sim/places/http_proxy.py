"""An entry spoken to in HTTP: tunnels by CONNECT, and requests with whole URLs.

What goes wrong before there is a connection is answered in the proxy's own name. What goes wrong
on it is passed on as it is: the client sees the end, or the reset, that it would see without a
proxy.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

import h11

from sim.clients.stub_resolver import ResolveError
from sim.places.place import Place
from sim.places.proxied_target import NoDestinationError, backward, destination_of, onward
from sim.places.reachable import Destination, OutOfReachError
from sim.streams.http.audience import Audience
from sim.streams.http.body import RequestBody
from sim.streams.http.exchange import BrokeOffError, Upload, answer, upload
from sim.streams.http.fields import RefusedError, check_framing, has_body
from sim.streams.http.malformed import said_of
from sim.streams.http.peer import HttpPeer
from sim.streams.splice import splice
from sim.streams.tcp import TcpStream

_HEAD_REAL_S = 60.0  # networks run in real time; a browser keeps an idle connection about so long
_LINGER_REAL_S = 1.0


class HttpProxy:
    """Serves one client's connection; `run` returns when it is over."""

    def __init__(self, stream: TcpStream, place: Place) -> None:
        self._stream = stream
        self._place = place
        self._client = HttpPeer(h11.SERVER, stream)
        self._origin: HttpPeer | None = None
        self._reached: Destination | None = None

    async def run(self) -> None:
        """Serve the requests one after another. Raises ConnectionError."""
        try:
            while await self._next():
                self._client.http.start_next_cycle()
        finally:
            self._leave()

    async def _next(self) -> bool:
        """Serve a request; whether another may follow."""
        try:
            request = await self._asked()
            if request is None:
                return False
            check_framing(request)
            origin = await self._reach(request)
            if request.method != b"CONNECT":
                return await self._exchange(request, origin)
        except RefusedError as error:
            return await self._refuse(error.status, str(error))
        established = h11.Response(status_code=200, headers=[], reason=b"Connection established")
        self._client.send(established)
        await self._splice(origin)
        return False

    async def _asked(self) -> h11.Request | None:
        """The next request; None where none comes. Raises RefusedError."""
        clock = self._place.clock
        try:
            async with clock.timeout(_HEAD_REAL_S * clock.speed):
                request = await self._client.receive()
        except h11.RemoteProtocolError as error:
            raise RefusedError(*said_of(error)) from error
        except TimeoutError:
            if self._client.has_begun:
                raise RefusedError(408, "the request's head was not complete in time") from None
            return None
        return request if isinstance(request, h11.Request) else None

    async def _reach(self, request: h11.Request) -> HttpPeer:
        """A connection to where a request is to go. Raises RefusedError."""
        try:
            destination = destination_of(request)
        except NoDestinationError as error:
            raise RefusedError(400, str(error)) from error
        try:
            return await self._connect(destination)
        except OutOfReachError as error:
            raise RefusedError(403, str(error)) from error
        except (ResolveError, OSError) as error:
            raise RefusedError(502, f"no way to {destination}: {error}") from error

    async def _connect(self, destination: Destination) -> HttpPeer:
        """The connection that stands, where it leads there; else a new one."""
        if self._origin and self._reached == destination and not self._origin.stream.at_end:
            self._origin.stream.when_gone(None)
            return self._origin
        self._leave()
        self._origin = HttpPeer(h11.CLIENT, await self._place.connect(destination))
        self._reached = destination
        return self._origin

    async def _exchange(self, request: h11.Request, origin: HttpPeer) -> bool:
        """Carry a request and its answer; whether another may follow. Raises RefusedError."""
        origin.send(onward(request))
        body = RequestBody(self._client)
        body.forget()  # no origin is asked twice
        sending = Upload(body, origin) if has_body(request) else None
        try:
            with Audience(self._stream, request, self._place.clock):
                if sending is None:
                    with suppress(ConnectionError):  # one that is gone shows when it must answer
                        await upload(body, origin)
                speaks_1_1 = request.http_version >= b"1.1"
                status = await answer(self._client, origin, backward, body, speaks_1_1=speaks_1_1)
                if sending is not None:
                    await sending.finish()
        except BrokeOffError as error:
            malformed = sending.malformed if sending is not None else None
            if malformed is not None and self._client.http.our_state is h11.SEND_RESPONSE:
                raise RefusedError(*said_of(malformed)) from error
            if origin.stream.error is not None:
                self._stream.reset()
            return False
        finally:
            if sending is not None:
                await sending.cancel()
        if status == 101:
            await self._splice(origin)
            return False
        if _is_over(origin):
            origin.http.start_next_cycle()
            # What ends an idle connection ends it for the client too, as without an entry.
            origin.stream.when_gone(self._stream.end)
        else:
            self._leave()
        return _is_over(self._client)

    async def _splice(self, origin: HttpPeer) -> None:
        await splice(self._stream, origin.stream, self._client.early, origin.early)

    async def _refuse(self, status: int, text: str) -> bool:
        """Answer in the proxy's own name, and end the connection."""
        body = f"{text}\n".encode()
        fields = [
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(body)).encode()),
            (b"Connection", b"close"),
        ]
        reason = HTTPStatus(status).phrase.encode()
        self._client.send(h11.Response(status_code=status, headers=fields, reason=reason))
        self._client.send(h11.Data(data=body))
        self._client.send(h11.EndOfMessage())
        await self._stream.drain()
        self._stream.end()
        # Closing with unread bytes would reset the connection, maybe before the answer is read.
        clock = self._place.clock
        with suppress(TimeoutError):
            async with clock.timeout(_LINGER_REAL_S * clock.speed):
                while await self._stream.read():
                    pass
        return False

    def _leave(self) -> None:
        if self._origin is not None:
            self._origin.stream.abort()
        self._origin = None


def _is_over(side: HttpPeer) -> bool:
    return (side.http.our_state, side.http.their_state) == (h11.DONE, h11.DONE)
