"""One TCP connection as the edge uses it: read what has come, write with backpressure, let go.

Unlike asyncio's streams it can be left with nothing lost in between, which is what a protocol
upgrade needs (`detach`), and it tells a reset from an ordinary end.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

_HIGH_WATER = 32 * 1024  # of what was received, and of what is to be sent
_LINGER_NONE = struct.pack("ii", 1, 0)
_READ_BYTES = 64 * 1024


def last_words(transport: asyncio.BaseTransport, exc: Exception | None) -> bytes:
    """What a lost peer said before it broke off, and nobody read: for `connection_lost`.

    A server that answers before it has read all (413), or says goodbye while it is spoken to,
    closes with unread bytes, and so with a reset. Where writing meets that first, asyncio reads no
    more. Empty with TLS, whose bytes would still be encrypted.
    """
    said = b""
    if exc is not None and transport.get_extra_info("sslcontext") is None:
        descriptor = transport.get_extra_info("socket").fileno()
        with suppress(OSError):  # nothing more: it would block, or tells of the reset
            while more := os.read(descriptor, _READ_BYTES):
                said += more
    return said


def reset_on_close(transport: asyncio.BaseTransport) -> None:
    """Let the end of a connection be a reset (RST) for its peer, not an ordinary end (FIN)."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)


class TcpStream(asyncio.Protocol):
    """A connection's received bytes, waiting to be read, and its way out."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._received = 0
        self._sent = 0
        self._carried: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._buffer = bytearray()
        self.at_end = False
        self.is_lost = False
        self.error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._on_gone: Callable[[], object] | None = None
        self._ended = asyncio.get_running_loop().create_future()

    @property
    def bytes_in(self) -> int:
        """Bytes that came from the peer so far."""
        return self._received + self._carried()[0]

    @property
    def bytes_out(self) -> int:
        """Bytes that went to the peer so far."""
        return self._sent + self._carried()[1]

    def carries(self, carried: Callable[[], tuple[int, int]]) -> None:
        """Another protocol carries this connection from now on: so many bytes in, and out."""
        self._carried = carried

    async def read(self) -> bytes:
        """What has come since the last read; empty at the end. Raises ConnectionError."""
        while not self._buffer:
            if self.error is not None:
                raise ConnectionResetError(str(self.error)) from self.error
            if self.at_end:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._buffer)
        self._buffer.clear()
        self.transport.resume_reading()
        return data

    async def read_line(self, longest: int) -> tuple[bytes, bytes]:
        """The first line, with its end, and what had come behind it. Raises ConnectionError.

        At the end of the connection, or after more than `longest` bytes, there may be no line end.
        """
        data = b""
        while b"\n" not in data and len(data) <= longest and (more := await self.read()):
            data += more
        line, end, rest = data.partition(b"\n")
        return line + end, rest

    def write(self, data: bytes) -> None:
        """Send, without waiting; `drain` waits."""
        self._sent += len(data)
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the peer has taken enough. Raises ConnectionError where it never will."""
        if self.is_lost or self.transport.is_closing():
            raise ConnectionResetError("the peer is gone")
        if self._writable is not None:
            await self._writable

    def when_gone(self, callback: Callable[[], object] | None) -> None:
        """Call this when the peer ends its side, and when it is lost (None: no longer)."""
        self._on_gone = callback
        if self.at_end:
            self._tell_gone()

    def detach(self) -> bytes:
        """What was received and not read. Whoever calls this puts another protocol in place."""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._on_gone = None
        return data

    def end(self) -> None:
        """End our side once what was written has gone out; go on reading.

        TLS has no such half: there the peer is told goodbye, and has a moment to say so too.
        """
        if self.secure:
            self.transport.close()
        elif not self.transport.is_closing():
            with suppress(OSError):  # the peer is gone already, which the loop will find next
                self.transport.write_eof()

    def close(self) -> None:
        """End the connection after what was written has gone out."""
        self.transport.close()

    def abort(self) -> None:
        """End the connection now; what was written and has not gone out is lost."""
        if not self.is_lost:  # aborting a transport that is gone raises
            self.transport.abort()

    def reset(self) -> None:
        """End the connection now; the peer sees a reset."""
        reset_on_close(self.transport)
        self.abort()

    @property
    def secure(self) -> bool:
        """Whether the peer speaks TLS."""
        return self.transport.get_extra_info("sslcontext") is not None

    async def ended(self) -> None:
        """Wait until the socket is closed."""
        await asyncio.shield(self._ended)

    def has_ended(self) -> None:
        """Say that the connection ended in the hands of the protocol that took it over."""
        self.is_lost = True
        if not self._ended.done():
            self._ended.set_result(None)

    # --- what the transport calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a type checker's aid
        self.transport = transport
        transport.set_write_buffer_limits(_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        """Keep what came; stop reading while nobody takes it."""
        self._received += len(data)
        self._buffer += data
        if len(self._buffer) > _HIGH_WATER:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Keep our side open: an answer may still be owed. In TLS asyncio ends both."""
        self.at_end = True
        self._wake()
        self._tell_gone()
        return not self.secure

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits for this peer."""
        said = last_words(self.transport, exc)
        self._received += len(said)
        self._buffer += said
        self.at_end = True
        self.error = exc
        self.has_ended()
        self._wake()
        self.resume_writing()
        self._tell_gone()

    def pause_writing(self) -> None:
        """Make `drain` wait."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let `drain` go on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        self._reader = None

    def _tell_gone(self) -> None:
        if self._on_gone is not None:
            self._on_gone()
