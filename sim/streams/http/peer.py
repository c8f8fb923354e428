"""One side of a proxy in HTTP/1.1: a client, or a machine."""

from __future__ import annotations

import h11

from sim.streams.http.fields import MAX_HEAD, MAX_LENGTH
from sim.streams.http.malformed import MalformedError
from sim.streams.tcp import TcpStream

Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class HttpPeer:
    """An h11 connection and the stream below it."""

    def __init__(self, role: type[h11.CLIENT | h11.SERVER], stream: TcpStream) -> None:
        self.stream = stream
        self.http = h11.Connection(role, max_incomplete_event_size=MAX_HEAD)

    async def receive(self) -> Event:
        """The next event of the peer. Raises h11.RemoteProtocolError, ConnectionError."""
        while True:
            if self.http.their_state is h11.IDLE:
                self._pass_over_line()
            event = self._next_event()
            if event is not h11.NEED_DATA:
                return event
            self.http.receive_data(await self.stream.read())

    def _next_event(self) -> Event:
        head = self.http.trailing_data[0] if self.http.their_state is h11.IDLE else b""
        try:
            event = self.http.next_event()
        except h11.RemoteProtocolError as error:
            raise MalformedError(error, head) from error
        version = getattr(event, "http_version", b"1.1")
        if self.http.our_role is h11.CLIENT and not version.startswith(b"1."):
            wrong = f"the answer is in HTTP/{version.decode()}"
            raise MalformedError(h11.RemoteProtocolError(wrong), b"")
        size = getattr(self.http._reader, "_bytes_in_chunk", 0)  # noqa: SLF001 - nowhere else
        size += len(event.data) if isinstance(event, h11.Data) else 0
        if size > MAX_LENGTH:
            raise MalformedError(h11.RemoteProtocolError("a chunk of 2^63 bytes or more"), b"")
        return event

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request's head has come."""
        return self.http.their_state is h11.IDLE and bool(self.http.trailing_data[0])

    def _pass_over_line(self) -> None:
        """Pass over an empty line before a request, as old clients send one behind a body.

        RFC 9112, 2.2. h11 takes it for a request without a request line; a fresh connection reads
        on behind it.
        """
        came, at_end = self.http.trailing_data
        if not came.startswith(b"\r\n") or self.http.our_role is not h11.SERVER:
            return
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        if rest := came[2:]:
            self.http.receive_data(rest)
        if at_end:
            self.http.receive_data(b"")

    def send(self, event: h11.Event) -> None:
        """Send without waiting for the peer to take it."""
        if data := self.http.send(event):
            self.stream.write(data)

    async def deliver(self, event: h11.Event) -> None:
        """Send, and wait until the peer has taken enough. Raises ConnectionError."""
        self.send(event)
        await self.stream.drain()

    @property
    def early(self) -> bytes:
        """What the peer already sent in the protocol that follows an upgrade."""
        return self.http.trailing_data[0]
