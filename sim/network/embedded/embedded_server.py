"""The embedded link server: Toxiproxy's API and data path on this event loop."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys

from aiohttp import web

from sim.clock import Clock
from sim.errors import EnvironmentLacksError, StartError
from sim.network.embedded.api import Api
from sim.network.embedded.collection import Collection
from sim.network.embedded.pipe import Engine
from sim.network.embedded.timers import Timers
from sim.rng import Rng, fresh_seed
from sim.streams.http import complaints
from sim.topology.addresses import Endpoint

_SHUTDOWN_S = 0.1  # no request takes longer


class EmbeddedLinkServer:
    """Speaks Toxiproxy's API at `endpoint` and carries the connections of its proxies.

    Port 0 is any free one; `endpoint` says which after `start`. The same `rng` gives the same
    jitter and the same choices of toxicity to the same connections. All times of toxics are
    `clock`'s: at speed 10 a latency of 100 ms lasts ten real ones.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock, rng: Rng) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._rng = rng
        self._timers: Timers | None = None
        self._collection: Collection | None = None
        self._http: web.Server | None = None
        self._server: asyncio.Server | None = None

    def __repr__(self) -> str:
        state = "serving" if self._server else "stopped"
        return f"<EmbeddedLinkServer {self.url}, {state}>"

    pid: int | None = None

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"http://{self.endpoint}"

    async def start(self) -> None:
        """Serve. Raises EnvironmentLacksError when the address cannot be bound."""
        loop = asyncio.get_running_loop()
        self._timers = Timers(self._clock)
        self._collection = Collection(Engine(self._clock, self._timers), self._rng)
        self._http = web.Server(
            Api(self._collection).handle,
            access_log=None,
            logger=complaints.logger("sim.network.embedded.http"),
        )
        try:
            self._server = await loop.create_server(
                self._http, self.endpoint.host, self.endpoint.port, backlog=1024
            )
        except OSError as error:
            await self.stop()
            in_use = error.errno == errno.EADDRINUSE
            raise EnvironmentLacksError(
                f"the link server cannot listen on {self.endpoint}: {error.strerror}",
                "stop what listens there, or choose another port" if in_use
                else "choose an address of this machine",
            ) from error  # fmt: skip
        port = self._server.sockets[0].getsockname()[1]
        self.endpoint = Endpoint(self.endpoint.host, port)

    async def ping(self) -> None:
        """Raises StartError where it does not serve."""
        if self._server is None:
            raise StartError("the embedded link server is stopped")

    async def stop(self) -> None:
        """End every connection and stop serving. Safe to call again, or before `start`."""
        if self._server:
            self._server.close()
            self._server = None
        if self._http:
            await self._http.shutdown(_SHUTDOWN_S)
            self._http = None
        if self._collection:
            self._collection.close()
            self._collection = None
        if self._timers:
            self._timers.close()
            self._timers = None


async def serve(endpoint: Endpoint, seed: int | None = None) -> None:
    """Run a server on its own until SIGINT or SIGTERM; say on stderr where, and the seed."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    seed = fresh_seed() if seed is None else seed
    server = EmbeddedLinkServer(endpoint, Clock(), Rng(seed))
    await server.start()
    sys.stderr.write(f"link server at {server.url}, seed {seed}\n")
    sys.stderr.flush()
    try:
        await stopped.wait()
    finally:
        await server.stop()
