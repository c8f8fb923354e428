"""Connecting from a place: from one of its addresses, with a PROXY header that says so to the edge.

A link does not carry its client's address; the header does, before anything else.
"""

from __future__ import annotations

import asyncio
import socket

from sim.clock import Clock
from sim.streams.connecting import connect
from sim.topology.addresses import PUBLIC_PORT

_IP_BIND_ADDRESS_NO_PORT = 24  # Linux's value; the socket module does not name it


async def dial(
    source: str, address: str, clock: Clock, asked_port: int = PUBLIC_PORT
) -> socket.socket:
    """A connection from `source` to the link at `address`. Raises OSError.

    Links listen at one port alone; `asked_port` is the one that the client believes it talks to.
    """

    def attempt() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Ports are chosen for the pair of addresses, so 64,000 are free for each target.
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        except BaseException:
            sock.close()
            raise
        return sock

    sock = await connect(attempt, (address, PUBLIC_PORT), clock)
    try:
        port = sock.getsockname()[1]
        header = f"PROXY TCP4 {source} {address} {port} {asked_port}\r\n"
        await asyncio.get_running_loop().sock_sendall(sock, header.encode("ascii"))
    except BaseException:
        sock.close()
        raise
    return sock
