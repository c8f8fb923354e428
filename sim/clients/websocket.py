"""A client's WebSocket: read all the time, as every real client's is, whatever its driver does."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
from aiohttp import WSMsgType

from sim.clients.ending import (
    NO_CLOSE_FRAME,
    NO_CODE,
    ConnectionClosedError,
    ConnectionOverError,
    Telling,
)
from sim.clock import Clock

# What may lie unread, in bytes, each message with what it costs besides its text.
MOST_UNREAD: Final = 1024 * 1024
_OVERHEAD: Final = 128

_LONGEST_SHOWN = 80


class Wire(aiohttp.ClientWebSocketResponse):
    """aiohttp's WebSocket, which also shows the answer that opened it, and can be cut."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the 101 answer."""
        return self._response.headers

    def drop(self) -> None:
        """End the connection below it, without a word and without waiting."""
        self._response.close()


class WebSocket:
    """A WebSocket that a task of its own reads; `receive` takes from what was read.

    So pings are answered while the driver waits for its turn, and an end is noticed when it comes.
    What came before the end can still be received after it; then, and at once when sending,
    the end is raised: ConnectionClosedError with the gateway's code and reason.

    A driver that does not receive is a slow consumer, and is seen as one: with 1 MiB unread the
    reading stops, TCP's window closes, the gateway's writes wait, and its pings with them. That is
    far more than a gateway says between two turns of a client that receives, and little enough
    that a thousand clients that never do so fit into memory. `stuffed` says that it came to that.
    """

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        on_end: Callable[[], object] = lambda: None,
        on_taken: Callable[[aiohttp.WSMessage], object] = lambda _message: None,
    ) -> None:
        self.stuffed = False
        self._wire = wire
        self._clock = clock
        self._on_end = on_end
        self._on_taken = on_taken
        self._unread: deque[aiohttp.WSMessage] = deque()
        self._unread_bytes = 0
        self._bounded = True
        self._left = False  # this side has closed
        self._let_go = False
        self._telling = Telling()
        self._arrival: asyncio.Future[None] | None = None  # what the driver waits for
        self._room: asyncio.Future[None] | None = None  # what the reading waits for
        self._end: asyncio.Future[ConnectionClosedError] = (
            asyncio.get_running_loop().create_future()
        )
        self._listening = asyncio.create_task(self._listen())

    def __repr__(self) -> str:
        state = self.end or ("closed by the client" if self._left else "open")
        return f"<WebSocket {state}, {len(self._unread)} messages unread>"

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer that opened it."""
        return self._wire.headers

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the gateway chose."""
        return self._wire.protocol

    @property
    def end(self) -> ConnectionClosedError | None:
        """How the other side ended it, or None: it has not."""
        return self._end.result() if self._end.done() else None

    @property
    def closed(self) -> bool:
        """Whether either side has ended it."""
        return self._left or self._end.done()

    @property
    def close_code(self) -> int | None:
        """The gateway's close code, once it has ended it."""
        return self.end.code if self.end else None

    # --- receiving ---

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:  # noqa: ASYNC109 - aiohttp's
        """The next message: text or binary. `timeout` is in simulated seconds.

        Raises ConnectionClosedError once all that came before the end is taken, TimeoutError, and
        RuntimeError where two tasks receive at once.
        """
        if self._arrival is not None:
            raise RuntimeError("two tasks receive from one WebSocket at once")
        while not self._unread:
            if self.closed:
                await self._telling.raises(self._over())
            arrival = self._arrival = asyncio.get_running_loop().create_future()
            try:
                if timeout is None:
                    await arrival
                else:
                    async with self._clock.timeout(timeout):
                        await arrival
            finally:
                self._arrival = None
        message = self._unread.popleft()
        self._unread_bytes -= len(message.data) + _OVERHEAD
        if self._unread_bytes <= MOST_UNREAD:
            _release(self._room)
        self._on_taken(message)
        return message

    async def receive_str(self, *, timeout: float | None = None) -> str:  # noqa: ASYNC109 - aiohttp's
        """The next message, which must be text. Raises also aiohttp.WSMessageTypeError."""
        return str(_of_type(WSMsgType.TEXT, await self.receive(timeout)))

    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - aiohttp's
        """The next message, which must be binary. Raises also aiohttp.WSMessageTypeError."""
        return bytes(_of_type(WSMsgType.BINARY, await self.receive(timeout)))

    async def receive_json(
        self,
        *,
        loads: Callable[[str], Any] = json.loads,
        timeout: float | None = None,  # noqa: ASYNC109 - aiohttp's
    ) -> Any:
        """The next message, which must be JSON as text. Raises also what `loads` does."""
        return loads(await self.receive_str(timeout=timeout))

    def __aiter__(self) -> WebSocket:
        return self

    async def __anext__(self) -> aiohttp.WSMessage:
        """The next message. The end is raised: a loop that ended quietly would look like success.

        Only where this side has closed does the loop just end.
        """
        try:
            return await self.receive()
        except ConnectionClosedError:
            raise
        except ConnectionOverError:
            raise StopAsyncIteration from None

    # --- sending ---

    async def say(self, frame: str | bytes) -> None:
        """Send text as a text message, bytes as a binary one."""
        if isinstance(frame, str):
            await self.send_str(frame)
        else:
            await self.send_bytes(frame)

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Send text. Raises ConnectionClosedError where the connection has ended."""
        await self._send(self._wire.send_str, data, compress)

    async def send_bytes(self, data: bytes, compress: int | None = None) -> None:
        """Send bytes. Raises ConnectionClosedError where the connection has ended."""
        await self._send(self._wire.send_bytes, data, compress)

    async def send_json(
        self,
        data: Any,
        compress: int | None = None,
        *,
        dumps: Callable[[Any], str] = json.dumps,
    ) -> None:
        """Send JSON as text. Raises ConnectionClosedError where the connection has ended."""
        await self.send_str(dumps(data), compress)

    async def ping(self, message: bytes = b"") -> None:
        """Send a ping. Raises ConnectionClosedError where the connection has ended."""
        await self._send(self._wire.ping, message)

    async def close(self, *, code: int = 1000, message: bytes = b"") -> None:
        """Close it from this side, and wait until the gateway has too."""
        self._left = True
        self._read_the_rest()
        _release(self._arrival)
        await self._wire.close(code=code, message=message)

    def drop(self) -> None:
        """End the connection below it, without a word and without waiting."""
        self._left = True
        self._wire.drop()
        self._listening.cancel()
        _release(self._arrival)

    def let_go(self) -> None:
        """Drop it because its block was thrown away; who goes on using it gets a RuntimeError."""
        self._let_go = True
        self.drop()

    async def gone(self) -> None:
        """Wait until nothing of it runs any more. It must have been closed or dropped."""
        await asyncio.wait([self._listening])

    # --- how ---

    async def _send(self, send: Callable[..., Awaitable[None]], *what: Any) -> None:
        if self.closed:
            await self._telling.raises(self._over())
        try:
            await send(*what)
        except ConnectionError:
            # It has ended, and the reading is about to find out how.
            self._read_the_rest()
            ends: tuple[asyncio.Future[Any], ...] = (self._end, self._listening)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            raise self._over() from None

    def _over(self) -> Exception:
        """The end as an error of its own for each who is told."""
        end = self.end
        if end is None and self._let_go:
            return RuntimeError("a WebSocket is closed with its block: `async with` has to hold it")
        if end is None:
            return ConnectionOverError("closed by the client")
        return ConnectionClosedError(end.code, end.reason)

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._wire.receive()
            except ConnectionError:
                continue  # a ping that could not be answered any more: what comes next says why
            if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                self._unread.append(message)
                self._unread_bytes += len(message.data) + _OVERHEAD
                _release(self._arrival)
                if self._unread_bytes > MOST_UNREAD:
                    await self._until_there_is_room()
                continue
            if not self._left:
                self._end.set_result(_end_of(message))
                _release(self._arrival)
                self._on_end()
            if message.type is WSMsgType.CLOSE:
                await self._wire.close()  # aiohttp does so before it tells, which may take a second
            return

    async def _until_there_is_room(self) -> None:
        while self._unread_bytes > MOST_UNREAD and self._bounded:
            self.stuffed = True
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _read_the_rest(self) -> None:
        """Nothing more can come than is on this side already: read it, however much it is."""
        self._bounded = False
        _release(self._room)


def _release(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _of_type(wanted: WSMsgType, message: aiohttp.WSMessage) -> Any:
    if message.type is not wanted:
        raise aiohttp.WSMessageTypeError(f"expected {wanted.name.lower()}, got {describe(message)}")
    return message.data


def _end_of(message: aiohttp.WSMessage) -> ConnectionClosedError:
    """The end that aiohttp tells in the place of a message."""
    if message.type is WSMsgType.CLOSE:
        return ConnectionClosedError(message.data or NO_CODE, message.extra or "")
    if message.type is WSMsgType.ERROR:
        return ConnectionClosedError(NO_CLOSE_FRAME, str(message.data))
    return ConnectionClosedError(NO_CLOSE_FRAME)


def describe(message: aiohttp.WSMessage) -> str:
    """What was received, for a person."""
    text = repr(message.data)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
