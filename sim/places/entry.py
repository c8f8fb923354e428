"""The entry of a location: a proxy on the location's own network, and whoever uses it is there.

What comes in is resolved by that location's nameserver and connects from an address of that
location. It speaks HTTP (CONNECT and whole URLs) and SOCKS 5, which the first byte tells apart.
"""

from __future__ import annotations

import asyncio
import socket

from sim.clients.vantage import ClientContext
from sim.places.http_proxy import HttpProxy
from sim.places.place import Place
from sim.places.socks import VERSION
from sim.places.socks_proxy import SocksProxy
from sim.rng import Rng
from sim.streams.accept import peek
from sim.streams.tcp import TcpStream
from sim.streams.tcp_server import TcpServer

_FIRST_BYTE_REAL_S = 60.0


class Entry:
    """The entry of one location."""

    def __init__(self, location: str, context: ClientContext, rng: Rng) -> None:
        self.endpoint = context.plan.entry(location)
        self._place = Place(location, context, rng)
        self._server = TcpServer(f"entry of {location}", context.journal)

    def __repr__(self) -> str:
        place = self._place.location
        return f"<Entry of {place} at {self.endpoint}, {len(self._server)} connections>"

    def start(self) -> None:
        """Listen. Raises EnvironmentLacksError where the address is taken."""
        self._server.open(self.endpoint, self._serve)

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        await self._server.close()

    async def _serve(self, sock: socket.socket) -> None:
        clock = self._place.clock
        try:
            async with clock.timeout(_FIRST_BYTE_REAL_S * clock.speed):
                first = await peek(sock, at_least=1)
            _, stream = await asyncio.get_running_loop().connect_accepted_socket(TcpStream, sock)
        except (TimeoutError, OSError):
            sock.close()
            return
        except BaseException:
            sock.close()
            raise
        proxy = SocksProxy if first[:1] == VERSION else HttpProxy
        try:
            await proxy(stream, self._place).run()
            stream.close()
            await stream.ended()
        except (TimeoutError, ConnectionError):
            pass  # the client is gone, or never said what it wants
        finally:
            stream.abort()


class Entries:
    """The entries of all locations of a world."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def start(self, context: ClientContext, rng: Rng) -> None:
        """Listen in every location. Raises EnvironmentLacksError."""
        for location in context.topology.locations:
            entry = Entry(location, context, rng.fork(location))
            self._entries.append(entry)
            entry.start()

    async def stop(self) -> None:
        """End all of them."""
        for entry in self._entries:
            await entry.stop()
