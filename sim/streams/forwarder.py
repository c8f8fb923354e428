"""A listener that carries every connection on to another address.

For a place that is reached at an address of its own where nothing can listen for it: a machine
whose port cannot be published, because the simulator is a container; a link that containers reach,
whose loopback is their own. Behaves as the engine's own port forwarding does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from sim.streams.accept import Acceptor, listen, serving
from sim.streams.silence import deafen, undeafen
from sim.streams.splice import Splice
from sim.topology.addresses import Endpoint

Preface = Callable[[socket.socket], bytes]
"""What is said first to the far end of a connection, given its near end."""


def _nothing(_: socket.socket) -> bytes:
    return b""


class TcpForwarder:
    """Listens at `here` and carries every connection on to `there`, until `close`."""

    def __init__(self, here: Endpoint, there: Endpoint, preface: Preface = _nothing) -> None:
        self._here = here
        self._there = there
        self._preface = preface
        self._acceptor: Acceptor | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._near: set[socket.socket] = set()
        self._deaf = False

    def __repr__(self) -> str:
        return f"<TcpForwarder {self._here} to {self._there}>"

    async def open(self) -> None:
        """Listen. Raises OSError where the address is taken."""
        self._acceptor = Acceptor(listen(self._here), self._arrive)

    def close(self) -> None:
        """Refuse what comes and cut what stands."""
        if self._acceptor:
            self._acceptor.close()
        for task in self._tasks:
            task.cancel()

    def be_silent(self, *, connecting: bool, sending: bool) -> None:
        """Answer nobody who connects, and acknowledge nothing that is sent, or do so again."""
        if self._acceptor:
            self._acceptor.be_silent(wanted=connecting)
        self._deaf = sending
        for near in self._near:
            self._hear_or_not(near)

    def _hear_or_not(self, near: socket.socket) -> None:
        if self._deaf:
            deafen(near)
        else:
            undeafen(near)

    def _arrive(self, near: socket.socket) -> None:
        task = serving(near, self._carry)
        self._near.add(near)
        self._hear_or_not(near)
        task.add_done_callback(lambda _: self._near.discard(near))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, near: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            first = self._preface(near)
            far, _ = await loop.create_connection(
                asyncio.Protocol, self._there.host, self._there.port
            )
        except OSError:
            near.close()
            return
        except BaseException:
            near.close()
            raise
        far.pause_reading()  # until the splice takes what comes
        try:
            here, _ = await loop.connect_accepted_socket(asyncio.Protocol, near)
        except BaseException:
            far.abort()
            near.close()
            raise
        await Splice(here, far, ab=first).wait()
