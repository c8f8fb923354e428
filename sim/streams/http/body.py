"""The body of a request, kept as long as the request may have to be sent again."""

from __future__ import annotations

import h11

from sim.streams.http.peer import HttpPeer

LIMIT = 10 * 1024**2  # what Fly's proxy buffers for a retry or a replay


class RequestBody:
    """What a client sends after a request's head. One reader at a time, each from the beginning."""

    def __init__(self, client: HttpPeer) -> None:
        self.may_repeat = True
        self._client = client
        self._kept: list[h11.Data | h11.EndOfMessage] = []
        self._size = 0
        self._at = 0

    def rewind(self) -> None:
        """Start over: only while `may_repeat`, or before anything was read."""
        self._at = 0

    def forget(self) -> None:
        """Keep nothing more: the request is answered, or too long."""
        self.may_repeat = False

    async def next(self) -> h11.Data | h11.EndOfMessage:
        """The next event of the body.

        Raises h11.RemoteProtocolError, and ConnectionError where the client left in the middle.
        """
        if self._at < len(self._kept):
            self._at += 1
            return self._kept[self._at - 1]
        event = await self._client.receive()
        if isinstance(event, h11.Data):
            event = h11.Data(data=bytes(event.data))
            self._size += len(event.data)
        elif not isinstance(event, h11.EndOfMessage):
            raise ConnectionResetError("the client left in the middle of its request")
        if self._size > LIMIT:
            self.forget()
        if self.may_repeat:
            self._kept.append(event)
        else:
            self._kept.clear()
        self._at = len(self._kept)
        return event
