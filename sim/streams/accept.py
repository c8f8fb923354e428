"""Accepting connections: from a listening socket to sockets, without a task for each.

A connection's first bytes can be looked at and left in place (`peek`), so that PROXY header, TLS
or HTTP, whichever comes next, finds its own first byte first.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from sim.streams.buffers import as_across_a_network
from sim.streams.silence import FullQueue, deafen, undeafen
from sim.topology.addresses import Endpoint

Serve = Callable[[socket.socket], Coroutine[Any, Any, None]]

_BACKLOG = 4096
_AT_ONCE = 64
_PAUSE_S = 0.1
_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PEEK = 256


class Acceptor:
    """Hands every connection that a listening socket takes to `arrive`, as a non-blocking socket.

    The acceptor owns the socket. Where this process has no descriptor left, connections wait in
    the kernel's queue until one is free. One that is silent does not answer SYNs, so that `connect`
    times out.
    """

    def __init__(self, listening: socket.socket, arrive: Callable[[socket.socket], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._socket.settimeout(0)
        self._arrive = arrive
        self._pause: asyncio.TimerHandle | None = None
        self._silent = False
        self._queue: FullQueue | None = None  # where that is what keeps it silent
        self._listen()

    def be_silent(self, *, wanted: bool) -> None:
        """Answer nobody who connects from now on, or answer again."""
        if wanted is self._silent or self._socket.fileno() < 0:
            return
        self._silent = wanted
        if not wanted:
            self._answer_again()
        elif not deafen(self._socket):
            self._stop_listening()
            self._queue = FullQueue(self._socket)

    def _answer_again(self) -> None:
        queue, self._queue = self._queue, None
        if queue is None:
            undeafen(self._socket)
            return
        for sock in queue.drain(_BACKLOG):
            sock.settimeout(0)
            self._arrive(sock)
        if self._socket.fileno() >= 0:
            self._listen()

    def close(self) -> None:
        """Refuse what comes from now on; connections that wait to be accepted are reset."""
        if self._socket.fileno() >= 0:
            self._stop_listening()
            self._socket.close()
        if self._queue:
            self._queue.close()

    def _listen(self) -> None:
        self._loop.add_reader(self._socket, self._accept)

    def _stop_listening(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, _peer = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                # Level-triggered: without a pause the loop would spin until one is free.
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(_PAUSE_S, self._listen)
                return
            sock.settimeout(0)
            self._arrive(sock)
            if self._socket.fileno() < 0:
                return  # what arrived closed this


def serving(sock: socket.socket, serve: Serve) -> asyncio.Task[None]:
    """A task for a connection, which `serve` closes; cancelled before it begins, this one does."""
    begun = False

    async def begin() -> None:
        nonlocal begun
        begun = True
        await serve(sock)

    task = asyncio.create_task(begin())
    task.add_done_callback(lambda _: None if begun else sock.close())
    return task


def listen(endpoint: Endpoint) -> socket.socket:
    """A socket that listens there. Raises OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        as_across_a_network(sock)
        sock.bind((endpoint.host, endpoint.port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


async def peek(sock: socket.socket, at_least: int) -> bytes:
    """The first bytes received, left in place; fewer than asked for only at the end."""
    # SO_RCVLOWAT: the socket is "readable" only once something new has come or it has ended.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, at_least)
    try:
        await _readable(sock)
        return sock.recv(_PEEK, socket.MSG_PEEK)
    finally:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
