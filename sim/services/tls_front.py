"""TLS before PostgreSQL, whose wheel is built without it: ended here, as hosted poolers end it.

PostgreSQL's clients ask for TLS in its own protocol (its documentation, 55.2.11): SSLRequest is
answered with one byte, and the handshake follows. What does not ask is carried on as it is.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from sim.observe.journal import Journal
from sim.streams.accept import peek
from sim.streams.splice import splice
from sim.streams.tcp import TcpStream
from sim.streams.tcp_server import TcpServer
from sim.topology.addresses import Endpoint

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_GSS_REQUEST = bytes.fromhex("0000000804d21630")
_YES, _NO = b"S", b"N"


class TlsFront:
    """Listens at `here` for clients that speak TLS, and carries them on to `there`.

    `vouched` gives what it needs, with a certificate for whatever clients call it.
    """

    def __init__(
        self,
        here: Endpoint,
        there: Endpoint,
        vouched: Callable[[], Awaitable[ssl.SSLContext]],
        journal: Journal,
    ) -> None:
        self.endpoint = here
        self._there = there
        self._vouched = vouched
        self._server = TcpServer("TLS of the database", journal)
        self._context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<TlsFront {self.endpoint} to {self._there}, {len(self._server)} connections>"

    async def open(self) -> None:
        """Listen; nothing if it does. Raises EnvironmentLacksError where the address is taken."""
        if self._context is None:
            self._context = await self._vouched()
            self._server.open(self.endpoint, self._serve)

    async def close(self) -> None:
        """Refuse what comes and cut what stands. Safe to call again."""
        await self._server.close()

    async def _serve(self, near: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            # First: a database that is down refuses, and accepts nobody for a moment.
            _, far = await loop.create_connection(TcpStream, self._there.host, self._there.port)
        except OSError:
            near.close()
            return
        except BaseException:
            near.close()
            raise
        # A client that says nothing is given up by PostgreSQL, and so by us.
        far.when_gone(partial(_hang_up, near))
        try:
            secure = await _asks_for_tls(near)
            _, client = await loop.connect_accepted_socket(
                TcpStream, near, ssl=self._context if secure else None
            )
        except OSError:  # the client left, or does not trust us: an ssl.SSLError is one too
            near.close()
            far.close()
            return
        except BaseException:
            near.close()
            far.abort()
            raise
        await splice(client, far, b"", b"")


def _hang_up(near: socket.socket) -> None:
    """End a connection whose first bytes are waited for: they are none."""
    with suppress(OSError):  # its client has left
        near.shutdown(socket.SHUT_RDWR)


async def _asks_for_tls(sock: socket.socket) -> bool:
    """Whether TLS follows: then it was answered that it may."""
    loop = asyncio.get_running_loop()
    while (request := (await peek(sock, len(SSL_REQUEST)))[: len(SSL_REQUEST)]) in (
        SSL_REQUEST,
        _GSS_REQUEST,
    ):
        await loop.sock_recv(sock, len(request))
        await loop.sock_sendall(sock, _YES if request == SSL_REQUEST else _NO)
        if request == SSL_REQUEST:
            return True
    return False
