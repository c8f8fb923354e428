"""One side of the edge in HTTP/1.1: a client, or a machine."""

from __future__ import annotations

import h11

from sim.streams.http.fields import MAX_HEAD
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
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self.http.receive_data(await self.stream.read())

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
