"""Where a part of the simulator takes connections: a task for each, all of them ended with it."""

from __future__ import annotations

import asyncio
import socket

from sim.errors import EnvironmentLacksError
from sim.observe.events import PartFailed
from sim.observe.journal import Journal
from sim.streams.accept import Acceptor, Serve, listen, serving
from sim.topology.addresses import Endpoint


class TcpServer:
    """The listening sockets of a part, and the connections that they took. Its length is theirs.

    `part` names it in messages, as in `edge of fra`. What serving a connection raises is a defect
    of the part, and journaled as its failure: what its peers saw proves nothing.
    """

    def __init__(self, part: str, journal: Journal) -> None:
        self._part = part
        self._journal = journal
        self._listeners: list[Acceptor] = []
        self._connections: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._connections)

    def open(self, endpoint: Endpoint, serve: Serve) -> None:
        """Listen there, and serve whoever connects.

        Raises EnvironmentLacksError where that cannot be; then it listens nowhere.
        """

        def arrive(sock: socket.socket) -> None:
            task = serving(sock, serve)
            self._connections.add(task)
            task.add_done_callback(self._ended)

        try:
            self._listeners.append(Acceptor(listen(endpoint), arrive))
        except OSError as error:
            self._close_listeners()
            raise EnvironmentLacksError(
                f"the {self._part} cannot listen at {endpoint}: {error.strerror}",
                f"end what listens there; `ss -ltnp sport = :{endpoint.port}` names it",
            ) from error

    async def close(self) -> None:
        """Stop listening and cut every connection. Safe to call again."""
        self._close_listeners()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._journal.write(PartFailed(self._part, f"{type(error).__name__}: {error}"))
