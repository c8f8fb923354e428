"""TLS at the edge: ended here, with the world's certificate, on the same port as plain HTTP.

Which of the two a connection speaks shows in its first byte after the PROXY header. What is behind
the edge never sees TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from sim.authority import CertificateAuthority
from sim.streams.accept import peek
from sim.streams.tcp import TcpStream

_HANDSHAKE = b"\x16"  # the type of a client's first record (RFC 8446, 5.1); no HTTP begins so
_HANDSHAKE_REAL_S = 60.0
_GOODBYE_REAL_S = 1.0


class HandshakeError(Exception):
    """A client began with TLS and did not come through."""


async def accept(sock: socket.socket, authority: CertificateAuthority) -> TcpStream:
    """The connection of a client, its TLS ended where it speaks it (`TcpStream.secure`).

    Raises HandshakeError, OSError. The socket is closed then.
    """
    loop = asyncio.get_running_loop()
    try:
        secure = await peek(sock, at_least=1)
        context = (await authority.credentials()).server if secure[:1] == _HANDSHAKE else None
    except BaseException:
        sock.close()
        raise
    if context is None:
        _, stream = await loop.connect_accepted_socket(TcpStream, sock)
        return stream
    try:
        _, stream = await loop.connect_accepted_socket(
            TcpStream,
            sock,
            ssl=context,
            ssl_handshake_timeout=_HANDSHAKE_REAL_S,
            ssl_shutdown_timeout=_GOODBYE_REAL_S,
        )
    except OSError as error:  # asyncio has closed the socket: ssl.SSLError and timeouts too are one
        raise HandshakeError(_why(error)) from error
    return stream


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "CALLBACK_FAILED":
            return "asked for another name than the app's"
        return (error.reason or str(error)).lower().replace("_", " ")
    return str(error) or "the client left"
