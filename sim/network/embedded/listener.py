"""Accepting and dialling without tasks: a descriptor's readiness calls the next step."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from sim.network.embedded import addresses
from sim.network.embedded.addresses import AddressError

_BACKLOG = 4096
_ACCEPT_AT_ONCE = 64
_FULL_PAUSE_S = 0.1  # after running out of descriptors
_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Listener:
    """A bound and listening socket. Raises AddressError with Go's words where it cannot be."""

    def __init__(self, host: str, port: int, accepted: Callable[[socket.socket], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._accepted = accepted
        self._pause: asyncio.TimerHandle | None = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
            self._socket.bind((host, port))
            self._socket.listen(_BACKLOG)
            self._socket.settimeout(0)
        except (OSError, ValueError) as error:
            self._socket.close()
            code = error.errno if isinstance(error, OSError) else errno.EINVAL
            reason = os.strerror(code or errno.EINVAL).lower()
            raise AddressError(
                f"listen tcp {addresses.join(host, port)}: bind: {reason}"
            ) from error
        bound_host, bound_port = self._socket.getsockname()[:2]
        self.address = addresses.join(bound_host, bound_port)
        self._loop.add_reader(self._socket, self._ready)

    def _ready(self) -> None:
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                client, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(_FULL_PAUSE_S, self._resume)
                return
            self._accepted(client)
            if self._socket.fileno() < 0:
                return  # what was accepted closed this listener

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._ready)

    def close(self) -> None:
        """Listen no more: connecting is refused from now on."""
        if self._pause:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()


class Dial:
    """A connection attempt to each of some addresses in turn, until one is accepted.

    `done` gets the connected socket, or None. Nothing is called after `cancel`.
    """

    def __init__(
        self, hosts: list[str], port: int, done: Callable[[socket.socket | None], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._hosts = list(hosts)
        self._port = port
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
