"""One direction of one connection: a socket is read, toxics do their work, a socket is written.

    source ──recv──▶ [stage ──▶ stage ──▶ …] ──send──▶ destination

Without stages a chunk goes straight from a buffer shared by the whole server to the destination:
one copy out of the kernel, one into it, and no memory of its own. What the destination does not
take is kept, and reading pauses until it does. With stages every item is moved as far as it may
go now, and a timer is set for when the next one may.

A path holds what a real one holds: what is on its way (its bandwidth times its delay) and so much
beside as buffers take. Of a path without a bandwidth, what is sent within its delay is on its way.
Then reading stops, the kernel's buffers fill, and the sender has to wait.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.network.embedded.memory import Memory
from sim.network.embedded.toxics.base import ITEM_COST, NEVER, Item, Mark, Stage, cost
from sim.streams.buffers import bound_kernel
from sim.streams.silence import deafen, undeafen

if TYPE_CHECKING:
    from sim.clock import Clock
    from sim.network.embedded.timers import Timer, Timers

READ_BYTES = 256 * 1024
BUFFER_BYTES = 128 * 1024  # of each direction, unless its proxy says another
LEAST_BUFFER_BYTES, MOST_BUFFER_BYTES = 4096, 64 * 1024 * 1024
_MOST_IN_FLIGHT = 64 * 1024 * 1024  # what 640 MB/s puts into 100 ms
_LEAST_READ_BYTES = 1448  # a segment: where there is room at all, there is for one
_SENDMSG_CHUNKS = 64
_ITEMS_AT_ONCE = 512


class Engine:
    """What all pipes of a server share: the loop, the clock, its timers and one read buffer."""

    def __init__(self, clock: Clock, timers: Timers) -> None:
        self.loop = asyncio.get_running_loop()
        self.now = clock.now
        self.timers = timers
        self.memory = Memory()
        # One buffer is enough: what was read is sent or copied before the next read.
        self.view = memoryview(bytearray(READ_BYTES))


class Pipe:
    """Carries bytes from `source` to `destination`.

    `arrived` gets the mark that ends it, or None when the destination broke off. `buffer_bytes` is
    how much may wait here, beside what is on its way.
    """

    __slots__ = (
        "_arrived",
        "_bounded",
        "_buffer_bytes",
        "_capacity",
        "_deaf",
        "_destination_fd",
        "_engine",
        "_most_held",
        "_pending",
        "_pending_size",
        "_reading",
        "_source_fd",
        "_timer",
        "_writing",
        "destination",
        "ended",
        "received",
        "sent",
        "source",
        "source_over",
        "stages",
    )

    def __init__(
        self,
        engine: Engine,
        source: socket.socket,
        destination: socket.socket,
        arrived: Callable[[Pipe, Mark | None], None],
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        self.source = source
        self.destination = destination
        self.stages: list[Stage] = []
        self.received = 0
        self.sent = 0
        self.source_over = False  # nothing more will be read
        self.ended = False  # nothing more will be written
        # The loop is given numbers: for a socket object it makes a repr() at each registration.
        self._source_fd = source.fileno()
        self._destination_fd = destination.fileno()
        self._engine = engine
        self._arrived = arrived
        self._pending: deque[Item | memoryview] = deque()  # what the destination must take next
        self._pending_size = 0
        self._most_held = 0
        self._buffer_bytes = buffer_bytes
        self._bounded = False
        self._capacity = 0.0  # bytes that are on their way when nothing holds them up
        self._reading = False
        self._writing = False
        self._deaf = False  # the source's segments are dropped by the kernel
        self._timer: Timer | None = None

    # --- reading -----------------------------------------------------------------------------

    def start(self) -> None:
        """Read, or wait, as the stages allow."""
        self.pump()

    def read_while(self, *, wanted: bool) -> None:
        """Read from now on, or do not."""
        if wanted is self._reading:
            return
        self._reading = wanted
        if wanted:
            self._engine.loop.add_reader(self._source_fd, self._readable)
        else:
            self._engine.loop.remove_reader(self._source_fd)

    def _readable(self) -> None:
        view = self._engine.view
        most = min(READ_BYTES, max(_LEAST_READ_BYTES, self._room()))
        try:
            size = self.source.recv_into(view, most)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.finish(Mark.RESET)
            return
        if not size:
            self.finish(Mark.END)
            return
        self.received += size
        if self.stages:
            self.stages[0].push(bytes(view[:size]), self._engine.now())
            self.pump()
            return
        try:
            sent = self.destination.send(view[:size])
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._end(None)
            return
        self.sent += sent
        if sent < size:
            self._pend(bytes(view[sent:size]))
            self.read_while(wanted=False)
            self._write_when_ready(wanted=True)

    def finish(self, mark: Mark) -> None:
        """The source has nothing more to say: its end travels behind what it said."""
        if self.source_over:
            return
        self.source_over = True
        self.read_while(wanted=False)
        if self.stages:
            self.stages[0].push(mark, self._engine.now())
        else:
            self._pend(mark)
        self.pump()

    # --- toxics ------------------------------------------------------------------------------

    def insert(self, position: int, stage: Stage) -> None:
        """Put a stage into the chain; what is already further on is not affected."""
        self.stages.insert(position, stage)
        self.changed()

    def changed(self) -> None:
        """The stages are others now, or have other attributes."""
        self._hear_or_not()
        rate = min((stage.rate for stage in self.stages), default=math.inf)
        delay_s = sum(stage.delay_s for stage in self.stages)
        self._capacity = min(_MOST_IN_FLIGHT, rate * delay_s) if delay_s else 0.0
        if bool(self.stages) is not self._bounded:
            # What the kernel holds comes on top. Without a toxic it may: that is faster.
            self._bounded = bool(self.stages)
            bound_kernel(
                self.source, self.destination, self._buffer_bytes if self._bounded else None
            )
        self.pump()

    def _room(self) -> int:
        """How many bytes more the path takes."""
        waiting, in_flight = self._pending_size, 0
        for stage in self.stages:
            if stage.in_flight:
                in_flight += stage.size
            else:
                waiting += stage.size
        self._most_held = max(self._most_held, waiting + in_flight)
        return self._buffer_bytes - waiting - max(0, in_flight - int(self._capacity))

    def remove(self, stage: Stage) -> None:
        """Take a stage out; what it held goes on at once."""
        position = self.stages.index(stage)
        del self.stages[position]
        self._hear_or_not()
        now = self._engine.now()
        for item in stage.drain():
            if position < len(self.stages):
                self.stages[position].push(item, now)
            else:
                self._pend(item)
        self.changed()
        self._let_go()

    def _let_go(self) -> None:
        self._engine.memory.let_go(self._most_held)
        self._most_held = 0

    def _hear_or_not(self) -> None:
        wanted = any(stage.deafens for stage in self.stages)
        if wanted and not self._deaf:
            self._deaf = deafen(self.source)
        elif self._deaf and not wanted:
            undeafen(self.source)
            self._deaf = False

    def pump(self) -> None:
        """Move every item as far as it may go now, and set the timer for the next."""
        now = self._engine.now()
        moved, left = True, _ITEMS_AT_ONCE
        while moved and left > 0 and not self.ended:
            if self._pending and not self._writing:
                self._flush()
            count = 0
            for position in range(len(self.stages) - 1, -1, -1):
                count += self._advance(position, now)
            left -= count
            moved = count > 0
        if not self.ended:
            # Without a stage what is read is sent at once, which must not overtake what is pending.
            room = self._room() > 0 if self.stages else not self._pending
            self.read_while(wanted=room and not self.source_over)
            self._set_timer(now, at_once=left <= 0)

    def _advance(self, position: int, now: float) -> int:
        """Let what is due leave one stage. Returns how many items did."""
        if self.ended:
            return 0
        stage = self.stages[position]
        after = self.stages[position + 1] if position + 1 < len(self.stages) else None
        count = 0
        while count < _SENDMSG_CHUNKS:
            left = stage.pop(now)
            if left is None:
                break
            count += 1
            due, item = left
            if item is Mark.RESET_BOTH:
                self._end(item)
                break
            if after:
                after.push(item, due)
            else:
                self._pend(item)
        return count

    def _set_timer(self, now: float, *, at_once: bool) -> None:
        wake = min((stage.wake_at() for stage in self.stages), default=NEVER)
        if at_once:
            wake = now  # the rest of a long queue: let the others have a turn first
        timer = self._timer
        if timer and timer.when <= wake != NEVER:
            return  # it fires no later than needed and then looks again
        if timer:
            timer.cancel()
        self._timer = self._engine.timers.at(wake, self._wake) if wake != NEVER else None

    def _wake(self) -> None:
        self._timer = None
        self.pump()

    # --- writing -----------------------------------------------------------------------------

    def _pend(self, item: Item) -> None:
        self._pending.append(item)
        self._pending_size += cost(item)

    def _write_when_ready(self, *, wanted: bool) -> None:
        if wanted is self._writing:
            return
        self._writing = wanted
        if wanted:
            self._engine.loop.add_writer(self._destination_fd, self._writable)
        else:
            self._engine.loop.remove_writer(self._destination_fd)

    def _writable(self) -> None:
        self._write_when_ready(wanted=False)
        self.pump()

    def _flush(self) -> None:
        """Send what is pending, as much as can go."""
        while self._pending:
            chunks: list[bytes | memoryview] = []
            for item in itertools.islice(self._pending, _SENDMSG_CHUNKS):
                if isinstance(item, Mark):
                    break
                chunks.append(item)
            if not chunks:
                self._end(self._pending[0])  # type: ignore[arg-type] # it is a mark
                return
            try:
                sent = self.destination.sendmsg(chunks)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._end(None)
                return
            if not self._took(sent, chunks):
                self._write_when_ready(wanted=True)
                return

    def _took(self, sent: int, chunks: list[bytes | memoryview]) -> bool:
        """The destination took that many bytes of these first chunks. True when it took all."""
        self.sent += sent
        self._pending_size -= sent
        for chunk in chunks:
            if len(chunk) > sent:
                self._pending[0] = memoryview(chunk)[sent:]
                return False
            sent -= len(chunk)
            self._pending.popleft()
            self._pending_size -= ITEM_COST
        return True

    def _end(self, mark: Mark | None) -> None:
        """An end has arrived, or (None) the destination is gone and what is under way is lost."""
        self.stop()
        self._arrived(self, mark)

    def stop(self) -> None:
        """Forget everything that is under way. The sockets are the connection's to close.

        Its stages stay, so that its source is deaf for as long as they say.
        """
        self.read_while(wanted=False)
        self._write_when_ready(wanted=False)
        self.source_over = self.ended = True
        self._pending.clear()
        for stage in self.stages:
            stage.drain()
        self._let_go()
        if self._timer:
            self._timer.cancel()
            self._timer = None
