"""Accepting: from a listening socket to a client's socket whose PROXY header has been read.

The header is read from the raw socket to the byte and no further, so that TLS or HTTP, whichever
comes next, finds its own first byte first.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from sim.routing.edge.proxy_protocol import Peers, ProxyHeaderError, header_length, parse
from sim.topology.addresses import Endpoint

_PEEK = 256
_BACKLOG = 1024
_PAUSE_S = 0.5
_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Listener:
    """A listening socket that hands every accepted one to `arrive`."""

    def __init__(self, endpoint: Endpoint, arrive: Callable[[socket.socket], None]) -> None:
        self._arrive = arrive
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((endpoint.host, endpoint.port))
            self._socket.listen(_BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Take no more; connections that wait to be accepted are reset."""
        if self._pause is not None:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            try:
                sock, _peer = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                # Level-triggered: without a pause the loop would spin until one is free.
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(
                    _PAUSE_S, self._loop.add_reader, self._socket, self._accept
                )
                return
            sock.settimeout(0)
            self._arrive(sock)


async def read_proxy_header(sock: socket.socket) -> Peers | None:
    """Take the PROXY header off a fresh connection, if it begins with one; who it names, if any.

    Raises ProxyHeaderError where one begins and does not end as one, OSError where the peer is
    gone.
    """
    seen = b""
    while (length := header_length(seen)) is None:
        start = await peek(sock, at_least=len(seen) + 1)
        if len(start) <= len(seen):
            if not seen:
                return None  # the client left without a word: whoever reads next sees its end
            raise ProxyHeaderError("the connection ended within a PROXY header")
        seen = start
    if not length:
        return None
    header = b""
    loop = asyncio.get_running_loop()
    while len(header) < length:
        part = await loop.sock_recv(sock, length - len(header))
        if not part:
            raise ProxyHeaderError("the connection ended within a PROXY header")
        header += part
    return parse(header)


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
