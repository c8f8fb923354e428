"""Splices two asyncio transports: what one receives, the other sends, with no task in between.

For whoever has done its part of a connection (an upgraded WebSocket, a tunnel) and only has to
carry bytes from then on. Plain TCP and TLS transports alike. A chunk is read into a buffer that
all splices of the program share and written from there; only what the receiver does not take at
once costs memory, and then its sender is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from sim.streams.tcp import TcpStream, last_words, reset_on_close
from sim.streams.websocket_frames import GOING_AWAY, FrameCounter

READ_BYTES = 256 * 1024


class _Buffers:
    """The buffer that is read into next. It is replaced when someone keeps a reference to it."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(READ_BYTES))

    def give_away(self) -> None:
        self.view = memoryview(bytearray(READ_BYTES))


# Between get_buffer and buffer_updated nothing else of the loop's thread runs.
_buffers = _Buffers()


class _End(asyncio.BufferedProtocol):
    """One of the two transports: what it receives goes to `other`."""

    def __init__(self, transport: asyncio.Transport, splice: Splice) -> None:
        self.transport = transport
        self.other = transport  # until both ends are known
        self.received = 0
        self.said_all = False  # its peer has ended its side
        self.lost = False
        self._splice = splice

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - always the large one
        return _buffers.view

    def buffer_updated(self, nbytes: int) -> None:
        self.pass_on(_buffers.view[:nbytes])
        if self.other.get_write_buffer_size():
            # From Python 3.12 on a transport keeps a view of what it could not send yet.
            _buffers.give_away()

    def pass_on(self, data: bytes | memoryview) -> None:
        self.received += len(data)
        self.other.write(data)

    def eof_received(self) -> bool:
        """Whether this transport stays open; where not, `connection_lost` sees to the other."""
        return self._splice.said_all(self)

    def pause_writing(self) -> None:
        self._splice.pause_reading(self)

    def resume_writing(self) -> None:
        self._splice.resume_reading(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if (said := last_words(self.transport, exc)) and not self.other.is_closing():
            self.pass_on(said)
        self._splice.end_lost(exc)


class _FramedEnd(_End):
    """An end whose frames are counted."""

    def __init__(self, transport: asyncio.Transport, splice: Splice, frames: FrameCounter) -> None:
        super().__init__(transport, splice)
        self._frames = frames

    def pass_on(self, data: bytes | memoryview) -> None:
        self._frames.feed(data)
        super().pass_on(data)


class Splice:
    """Two transports that feed each other until both sides have ended, or either is lost.

    The end of one side is passed on behind what it said, and the other goes on: it may have an
    answer to give. TLS has no such half: there the end of one is the end of both.

    `ab` and `ba` are what either side had already sent and the caller had already read. Call it
    from the event loop's thread; it takes the transports over from their protocols at once.
    """

    def __init__(
        self,
        a: asyncio.Transport,
        b: asyncio.Transport,
        *,
        ab: bytes = b"",
        ba: bytes = b"",
        frames: FrameCounter | None = None,
    ) -> None:
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._a = _End(a, self)
        self._b = _FramedEnd(b, self, frames) if frames else _End(b, self)
        if frames:
            frames.feed(ba)
        self._a.other, self._b.other = b, a
        self._a.received, self._b.received = len(ab), len(ba)
        for end, first in ((self._a, ba), (self._b, ab)):
            end.transport.set_protocol(end)
            if first:
                end.transport.write(first)
            end.lost = end.transport.is_closing()
        if self._a.lost or self._b.lost:
            self.end_lost(None)
            return
        for end in (self._a, self._b):
            if not end.transport.is_reading():
                end.transport.resume_reading()

    @property
    def bytes_ab(self) -> int:
        """Bytes that `a` has sent to `b` so far."""
        return self._a.received

    @property
    def bytes_ba(self) -> int:
        """Bytes that `b` has sent to `a` so far."""
        return self._b.received

    async def wait(self) -> None:
        """Return when both transports are closed. Cancelling it aborts them."""
        try:
            await asyncio.shield(self._done)
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self) -> None:
        """Close both now; what has not been sent is lost."""
        for end in (self._a, self._b):
            if not end.lost:
                end.transport.abort()

    def pause_reading(self, slow: _End) -> None:
        """The buffer towards `slow` is full: its sender has to wait."""
        if not slow.other.is_closing():
            slow.other.pause_reading()

    def resume_reading(self, slow: _End) -> None:
        """There is room towards `slow` again."""
        if not slow.other.is_closing():
            slow.other.resume_reading()

    def said_all(self, end: _End) -> bool:
        """A side has ended: tell the other, and go on unless that has ended too."""
        end.said_all = True
        other = self._b if end is self._a else self._a
        if other.said_all or not (end.transport.can_write_eof() and end.other.can_write_eof()):
            return False
        if not end.other.is_closing():
            end.other.write_eof()
        return True

    def end_lost(self, exc: Exception | None) -> None:
        """One end is gone: deliver what there is to the other, and close it too."""
        for end in (self._a, self._b):
            if not end.lost:
                if exc:
                    end.transport.abort()
                else:
                    end.transport.close()
        if self._a.lost and self._b.lost and not self._done.done():
            self._done.set_result(None)


class _PassingResets(Splice):
    """A splice of client (a) and machine (b) that passes a reset on as a reset."""

    machine_broke_off = False

    def leave(self, frames: FrameCounter) -> None:
        """Tell the client of a WebSocket that its machine goes away, and end both sides.

        In the middle of a frame nothing can be told; then it just ends.
        """
        if frames.between and not self._a.lost and not self._b.said_all:
            self._a.transport.write(GOING_AWAY)
        if not self._b.lost:
            self._b.transport.abort()

    def ended_before(self, *, client_did: bool, machine_did: bool) -> None:
        """Ends that were seen before are not seen again."""
        for end, did in ((self._a, client_did), (self._b, machine_did)):
            if did and not end.transport.is_closing() and not self.said_all(end):
                end.transport.close()

    def end_lost(self, exc: Exception | None) -> None:
        """One side is gone; where it broke off, the other's end is a reset too."""
        if exc is not None:
            self.machine_broke_off |= self._b.lost and not self._a.lost
            for end in (self._a, self._b):
                if not end.lost:
                    reset_on_close(end.transport)
        super().end_lost(exc)


async def splice(
    client: TcpStream,
    machine: TcpStream,
    to_machine: bytes,
    to_client: bytes,
    *,
    on_leave: Callable[[Callable[[], None]], object] | None = None,
) -> bool:
    """Carry bytes between two connections until both are closed; whether the machine broke off.

    `to_machine` and `to_client` were received before, and go first. An end of one side is passed
    on, a reset as a reset. When cancelled, both are aborted.
    `on_leave`, of a WebSocket, is given what ends it with close code 1001.
    """
    to_machine += client.detach()
    to_client += machine.detach()
    frames = FrameCounter() if on_leave else None
    spliced = _PassingResets(
        client.transport, machine.transport, ab=to_machine, ba=to_client, frames=frames
    )
    if on_leave and frames:
        on_leave(partial(spliced.leave, frames))
    client.carries(lambda: (spliced.bytes_ab - len(to_machine), spliced.bytes_ba))
    spliced.ended_before(client_did=client.at_end, machine_did=machine.at_end)
    try:
        await spliced.wait()
    finally:
        client.has_ended()
        machine.has_ended()
    return spliced.machine_broke_off
