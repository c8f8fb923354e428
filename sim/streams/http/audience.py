"""Whether anybody waits for an answer: a client that has ended its side may, or may have left.

TCP does not tell the two apart. Who said that this request is its last (HTTP/1.0, `Connection:
close`) is taken to wait, until the connection is lost. Of any other an end means that it left, as
nginx, Go and hyper have it, but what is answered within a moment it gets all the same.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import h11

from sim.clock import Clock
from sim.streams.http.fields import is_last
from sim.streams.tcp import TcpStream

MOMENT_S = 1.0


class Audience:
    """A context in which the task that serves a request is cancelled once nobody waits for it."""

    def __init__(self, client: TcpStream, request: h11.Request, clock: Clock) -> None:
        self._client = client
        self._stays = is_last(request)
        self._clock = clock
        self._serving = asyncio.current_task()
        self._moment: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._client.when_gone(self._gone)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.when_gone(None)
        if self._moment is not None:
            self._moment.cancel()

    def _gone(self) -> None:
        if self._client.is_lost:
            self._leave()
        elif not self._stays and self._moment is None:
            self._moment = asyncio.create_task(self._leave_soon())

    async def _leave_soon(self) -> None:
        await self._clock.sleep(MOMENT_S)
        self._leave()

    def _leave(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
