"""A listener that carries every connection on to another address.

For a place that is reached at an address of its own where nothing can listen for it: a machine
whose port cannot be published, because the simulator is a container; a link that containers reach,
whose loopback is their own. Behaves as the engine's own port forwarding does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from sim.network.relay import Splice
from sim.topology.addresses import Endpoint

Preface = Callable[[asyncio.BaseTransport], bytes]
"""What is said first to the far end of a connection, given its near end."""


def _nothing(_: asyncio.BaseTransport) -> bytes:
    return b""


class Doorway:
    """Listens at `here` and carries every connection on to `there`, until `close`."""

    def __init__(self, here: Endpoint, there: Endpoint, preface: Preface = _nothing) -> None:
        self._here = here
        self._there = there
        self._preface = preface
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Doorway {self._here} to {self._there}>"

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
            splice = Splice(near, far, ab=self._preface(near) + bytes(already))
            await splice.wait()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
