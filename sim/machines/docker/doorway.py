"""A machine's address on this host where no port can be published: a listener that carries on.

Needed where the simulator is a container: ports are published on the engine's host, which is not
its own. Behaves as the engine's own port forwarding does.
"""

from __future__ import annotations

import asyncio
from typing import cast

from sim.network.relay import Splice
from sim.topology.addresses import Endpoint


class Doorway:
    """Listens at `here` and carries every connection on to `there`, until `close`."""

    def __init__(self, here: Endpoint, there: Endpoint) -> None:
        self._here = here
        self._there = there
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen. Raises OSError where the address is taken."""
        self._server = await asyncio.start_server(self._arrive, self._here.host, self._here.port)

    def close(self) -> None:
        """Refuse what comes and cut what stands."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._tasks.add(task)
        try:
            _, onward = await asyncio.open_connection(self._there.host, self._there.port)
            already = reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001
            ends = (writer.transport, onward.transport)
            near, far = (cast("asyncio.Transport", end) for end in ends)  # both are sockets
            splice = Splice(near, far, ab=bytes(already))
            await splice.wait()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
