"""Dialling without tasks: a descriptor's readiness calls the next step."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from sim.streams.buffers import use_segments


class Dial:
    """A connection attempt to each of some addresses in turn, until one is accepted.

    `done` gets the connected socket, or None. Nothing is called after `cancel`.
    """

    def __init__(
        self,
        hosts: list[str],
        port: int,
        segment_bytes: int,
        done: Callable[[socket.socket | None], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._hosts = list(hosts)
        self._port = port
        self._segment_bytes = segment_bytes
        self._done = done
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Begin; `done` may be called before this returns."""
        while self._hosts:
            host = self._hosts.pop(0)
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
            except OSError:
                continue
            sock.settimeout(0)
            use_segments(sock, self._segment_bytes)
            try:
                code = sock.connect_ex((host, self._port))
                if code == errno.EINPROGRESS:
                    # On loopback the handshake is over by now: asking again saves a turn.
                    code = sock.connect_ex((host, self._port))
            except (OSError, ValueError):
                sock.close()
                continue
            if code in (0, errno.EISCONN):
                self._done(sock)
                return
            if code in (errno.EINPROGRESS, errno.EALREADY):
                self._socket = sock
                self._loop.add_writer(sock, self._answered)
                return
            sock.close()
        self._done(None)

    def _answered(self) -> None:
        sock, self._socket = self._socket, None
        if sock is None:
            return
        self._loop.remove_writer(sock)
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            sock.close()
            self.start()
        else:
            self._done(sock)

    def cancel(self) -> None:
        """Give up."""
        self._hosts.clear()
        if self._socket:
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None
