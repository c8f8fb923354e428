"""Connecting as TCP does, on the world's clock.

A SYN that nobody answers is sent again after a second, then after twice as long each time (RFC
6298, 2.1 and 5.5), and after six repetitions Linux gives up (tcp_syn_retries). The kernel counts
real seconds: where its first repetition is due, at `--speed 10`, ten simulated ones have gone by.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from sim.clock import Clock
from sim.streams.buffers import as_across_a_network
from sim.streams.tcp import TcpStream
from sim.topology.addresses import Endpoint

_FIRST_S = 1.0
_ATTEMPTS = 7
_LEAST_REAL_S = 0.1  # what is answered is answered within that, however busy this machine is


async def connect(
    make: Callable[[], socket.socket], address: tuple[str, int], clock: Clock
) -> socket.socket:
    """A socket of `make`, connected. Raises OSError, with ETIMEDOUT where nobody ever answers."""
    loop = asyncio.get_running_loop()
    wait_s = _FIRST_S
    for _ in range(_ATTEMPTS):
        sock = make()
        try:
            sock.settimeout(0)
            async with clock.timeout(max(wait_s, _LEAST_REAL_S * clock.speed)):
                await loop.sock_connect(sock, address)
        except TimeoutError:
            if _is_connected(sock):
                return sock
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
        wait_s *= 2
    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


async def connect_stream(endpoint: Endpoint, clock: Clock) -> TcpStream:
    """A connection to there, as edges use it. Raises OSError."""
    sock = await connect(_socket, (endpoint.host, endpoint.port), clock)
    try:
        _, stream = await asyncio.get_running_loop().create_connection(TcpStream, sock=sock)
    except BaseException:
        sock.close()
        raise
    return stream


def _socket() -> socket.socket:
    sock = socket.socket()
    as_across_a_network(sock)
    return sock


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
