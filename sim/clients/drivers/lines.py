"""The ways on which a gateway's messages come back: a WebSocket, Server-Sent Events, or polling."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Protocol

import aiohttp

from sim.clients.client import Client
from sim.clients.declaration import Events, Opening, Poll
from sim.clients.drivers.greeting import expected, fill_headers, send_request, taken_from
from sim.clients.ending import (
    NO_CLOSE_FRAME,
    NO_CODE,
    ConnectionClosedError,
    ConnectionOverError,
)
from sim.clients.reply import Heard
from sim.clients.sse import EventReader
from sim.clients.template import Value, fill_path
from sim.clients.websocket import WebSocket

# aiohttp's `compress`: the largest window that permessage-deflate (RFC 7692) has.
_DEFLATE = 15

# A poll that is answered so has brought nothing, and the client polls again.
_NOTHING = frozenset(
    {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED, HTTPStatus.REQUEST_TIMEOUT},
)


class Line(Protocol):
    """An open way back. Only a WebSocket is a way there too."""

    async def receive(self) -> Heard:
        """The gateway's next message. Raises ConnectionOverError where the connection ended."""

    async def say(self, frame: str | bytes) -> None:
        """Send a message on it."""


def open_line(
    client: Client, opening: Opening, values: dict[str, Value], since: dict[str, str]
) -> AbstractAsyncContextManager[Line]:
    """The opening's way back, open while its block runs.

    `values` are those of placeholders; polls renew them. `since` keeps the last event's id from one
    stream to the next.
    """
    match opening.line:
        case Events() as events:
            return _events(client, opening, events, values, since)
        case Poll() as poll:
            return _polls(client, opening, poll, values)
    return _websocket(client, opening, opening.line.path, values)


def ended(client: Client, status: int, reason: str) -> ConnectionOverError:
    """The end of a connection by an answer that says so, noted in a WebSocket's words.

    An error of the server's is what a client sees of a machine that is gone (from the edge).
    """
    servers = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _closed(client, NO_CLOSE_FRAME if servers else NO_CODE, reason)


def _closed(client: Client, code: int, reason: str) -> ConnectionOverError:
    client.closed = ConnectionClosedError(code, reason)
    return ConnectionOverError(str(client.closed))


@asynccontextmanager
async def _websocket(
    client: Client, opening: Opening, path: str, values: dict[str, Value]
) -> AsyncIterator[Line]:
    async with client.websocket(
        fill_path(path, values),
        headers=fill_headers(opening.headers, values),
        protocols=opening.subprotocols,
        compress=_DEFLATE if opening.compression else 0,
    ) as socket:
        yield _Socket(socket)


class _Socket:
    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Heard:
        return Heard((await self._socket.receive()).data)

    async def say(self, frame: str | bytes) -> None:
        await self._socket.say(frame)


class _OneWay:
    async def say(self, frame: str | bytes) -> None:
        """Never: a declaration that would is refused when it is read."""
        raise NotImplementedError(f"nothing can be said on this connection: {frame!r}")


@asynccontextmanager
async def _events(
    client: Client,
    opening: Opening,
    events: Events,
    values: dict[str, Value],
    since: dict[str, str],
) -> AsyncIterator[Line]:
    headers = {"Accept": "text/event-stream", **since, **fill_headers(opening.headers, values)}
    url = client.url(fill_path(events.path, values))
    response = await client.within(client.http.get(url, headers=headers))
    try:
        if response.status != HTTPStatus.OK or response.content_type != "text/event-stream":
            body = Heard(await client.within(response.read()))
            what = f"status {response.status} ({response.content_type})"
            client.turned_down(response.headers, response.status)
            raise ConnectionOverError(f"{what} instead of an event stream: {body}")
        client.connected(response.headers)
        yield _Stream(client, response, since)
    finally:
        response.close()


class _Stream(_OneWay):
    """Source: the HTML standard, 9.2, "Server-sent events"; as EventSource it resumes by id."""

    def __init__(
        self, client: Client, response: aiohttp.ClientResponse, since: dict[str, str]
    ) -> None:
        self._client = client
        self._response = response
        self._since = since
        self._reader = EventReader()
        self._read: deque[Heard] = deque()

    async def receive(self) -> Heard:
        while not self._read:
            try:
                chunk = await self._response.content.readany()
            except aiohttp.ClientPayloadError as error:
                raise _closed(self._client, NO_CLOSE_FRAME, "the event stream broke off") from error
            if not chunk:
                raise _closed(self._client, NO_CODE, "the event stream ended")
            for event in self._reader.feed(chunk):
                self._read.append(Heard(event.data, event=event.name))
            if self._reader.last_id:
                self._since["Last-Event-ID"] = self._reader.last_id
        return self._read.popleft()


@asynccontextmanager
async def _polls(
    client: Client, opening: Opening, poll: Poll, values: dict[str, Value]
) -> AsyncIterator[Line]:
    yield _Polls(client, opening, poll, values)


class _Polls(_OneWay):
    """Asks again as soon as it is answered, or once per `every`."""

    def __init__(
        self, client: Client, opening: Opening, poll: Poll, values: dict[str, Value]
    ) -> None:
        self._client = client
        self._headers = opening.headers
        self._poll = poll
        self._values = values
        self._due = client.clock.now()
        self._read: deque[Heard] = deque()

    async def receive(self) -> Heard:
        poll, clock = self._poll, self._client.clock
        while not self._read:
            await clock.sleep_until(self._due)
            self._due = clock.now() + poll.every_s
            # However long the gateway holds it back: what waits for its answer has a timeout.
            answer = await send_request(
                self._client, poll.request, self._values, self._headers, timeout_s=float("inf")
            )
            body = Heard(await answer.read())
            if answer.status in _NOTHING:
                continue
            if not expected(poll.request, answer.status):
                where = f"{poll.request}: status {answer.status} instead of messages"
                raise ended(self._client, answer.status, f"{where}: {body}")
            self._client.connected(answer.headers)
            self._values |= taken_from(poll.request, answer, body)
            if poll.each is None:
                self._read.append(body)
            elif poll.each.is_in(body.data):
                self._read.extend(Heard.of(item) for item in poll.each.find(body.data))
            else:
                self._read.append(body)  # heard as a message that nobody knows, and so is told of
        return self._read.popleft()
