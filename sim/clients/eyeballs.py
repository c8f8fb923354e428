"""Happy Eyeballs: several addresses raced, so that a dead one costs a quarter of a second.

RFC 8305: the first address is tried, and unless it has answered within 250 ms the next one beside
it (section 5, Connection Attempt Delay; at once where an attempt fails); the first connection that
stands is used and the others are given up. Of one address there is nothing to race.

A link accepts on the near side whatever happens to it, so that a TCP connection alone says nothing
about the far end. What is raced is therefore one exchange with the region's front door, in place of
the TLS handshake that clients race in the field. A machine that hangs behind a door that answers is
not noticed by it: as in the field.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from sim.clock import Clock

_ATTEMPT_DELAY_S = 0.25

_PING = b"OPTIONS * HTTP/1.1\r\nHost: %b\r\n\r\n"  # RFC 9110, 9.3.7
_MOST_ANSWER = 16 * 1024

Attempt = Callable[[str], Awaitable[socket.socket]]


async def race(
    addresses: Sequence[str], attempt: Attempt, clock: Clock
) -> tuple[str, socket.socket]:
    """The first of these addresses that answers, and the connection. Raises the last OSError."""
    waiting = list(addresses)
    running: dict[asyncio.Task[socket.socket], str] = {}
    failure = OSError("there is no address to connect to")
    try:
        while waiting or running:
            if waiting:
                address = waiting.pop(0)
                running[asyncio.ensure_future(_of(attempt, address))] = address
            done, _ = await asyncio.wait(
                running,
                timeout=_ATTEMPT_DELAY_S / clock.speed if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in [task for task in running if task in done]:
                try:
                    won = task.result()
                except OSError as error:
                    failure = error
                    del running[task]
                else:
                    return running.pop(task), won
        raise failure
    finally:
        await _give_up(running)


async def _of(attempt: Attempt, address: str) -> socket.socket:
    return await attempt(address)


async def _give_up(running: dict[asyncio.Task[socket.socket], str]) -> None:
    """End the attempts that lost; one that came second by a hair has a connection to close."""
    for task in running:
        task.cancel()
    for late in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(late, socket.socket):
            late.close()


async def answers(sock: socket.socket, host: str) -> None:
    """Return once the far end of a connection has answered a ping. Raises OSError."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, _PING % host.encode("ascii"))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        data = await loop.sock_recv(sock, _MOST_ANSWER)
        answer += data
        if not data or len(answer) > _MOST_ANSWER:
            raise ConnectionResetError("the front door did not answer as one")
