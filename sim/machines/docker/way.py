"""The real way to another host's Docker engine: the addresses at its ends, and its round trip."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from sim.clock import Clock
from sim.docker.engine import Engine
from sim.errors import EnvironmentLacksError

_SSH_PORT = 22  # the other addresses name theirs
_TRIES = 5
_ANSWER_REAL_S = 5.0


@dataclass(frozen=True)
class Way:
    """`here` and `there` are the addresses of its ends; the round trip is in real milliseconds."""

    here: str
    there: str
    rtt_ms: float


async def found(url: str) -> Way:
    """The way to the engine at this address. Raises EnvironmentLacksError, with the remedy."""
    clock = Clock()  # a real one: nothing of this is the world's
    parts = urlsplit(url)
    port = parts.port or _SSH_PORT
    loop = asyncio.get_running_loop()
    try:
        async with clock.timeout(_ANSWER_REAL_S):
            named = await loop.getaddrinfo(
                parts.hostname, port, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
            there: tuple[str, int] = named[0][4][:2]  # type: ignore[assignment] # of AF_INET
            tries = [await _connect(there, clock) for _ in range(_TRIES)]
    except OSError as error:
        raise EnvironmentLacksError(
            f"{url} cannot be reached at port {port}: {str(error) or 'no answer'}",
            "machines are reached at that name or address: write one that leads there from here",
        ) from error
    here, rtt_ms = min(tries, key=lambda tried: tried[1])
    if ip_address(there[0]).is_loopback or here == there[0]:
        raise EnvironmentLacksError(
            f"{url} is this host itself", "leave the region out of `hosts`: it runs here then"
        )
    return Way(here, there[0], rtt_ms)


async def _connect(there: tuple[str, int], clock: Clock) -> tuple[str, float]:
    """Our address in a connection, and how long TCP's handshake took: that is one round trip."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's only form
        began_ms = clock.real_ms()
        await asyncio.get_running_loop().sock_connect(sock, there)
        return sock.getsockname()[0], clock.real_ms() - began_ms


async def clock_ahead_ms(engine: Engine, clock: Clock) -> tuple[float, float]:
    """How far the engine's clock is ahead of this host's, and how far that may be off; real ms."""
    began_ms = clock.real_ms()
    told = await engine.call("info")
    took_ms = clock.real_ms() - began_ms
    ours_ms = clock.unix_s(clock.now()) * 1000 - took_ms / 2  # it answered in the midst of that
    theirs = datetime.fromisoformat(told["SystemTime"])
    return theirs.timestamp() * 1000 - ours_ms, took_ms / 2
