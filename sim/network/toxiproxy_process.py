"""A stock toxiproxy-server as a process: started, watched and stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sim.clock import Clock
from sim.errors import StartError
from sim.network.toxiproxy_remote import POLL_REAL_S, READY_REAL_S, answers
from sim.processes.child import Child, tail
from sim.topology.addresses import Endpoint

_STOP_REAL_S = 3.0
_LAST_LINES = 20


class RealLinkServer:
    """A toxiproxy-server process of our own at `endpoint`, whose output goes to the file `log`.

    `env` is added to its environment (the mark of the world).
    """

    def __init__(
        self,
        binary: str,
        endpoint: Endpoint,
        clock: Clock,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._binary = binary
        self._clock = clock
        self._log = log
        self._env = {**os.environ, **(env or {})}
        self._child: Child | None = None

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self._child else "stopped"
        return f"<RealLinkServer {self._binary} at {self.url}, {state}>"

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"http://{self.endpoint}"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start it and wait until its API answers. Raises StartError with its last lines."""
        if await answers(self.url):
            raise StartError(f"a link server is already listening on {self.endpoint}")
        where = ("-host", self.endpoint.host, "-port", str(self.endpoint.port))
        argv = (self._binary, *where, "-proxy-metrics")
        try:
            self._child = Child(argv, env=self._env, output=self._log)
        except OSError as error:
            raise StartError(f"cannot start {self._binary}: {error.strerror}") from error
        try:
            async with self._clock.timeout(READY_REAL_S * self._clock.speed):
                answered = await self._answers_before_its_end(self._child)
        except TimeoutError:
            answered = False
        if not answered:
            await self.stop()
            raise StartError(f"no answer at {self.url}: {self._last_words()}")

    async def ping(self) -> None:
        """Raises StartError, with its last lines, where it has ended."""
        if self._child is None or not self._child.running:
            raise StartError(self._last_words())

    async def _answers_before_its_end(self, child: Child) -> bool:
        while not await answers(self.url):
            if not child.running:
                return False
            await self._clock.sleep(POLL_REAL_S * self._clock.speed)
        return True

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL. Safe to call again."""
        child, self._child = self._child, None
        if child:
            await child.stop(self._clock, _STOP_REAL_S * self._clock.speed)

    def _last_words(self) -> str:
        lines = "\n  ".join(tail(self._log, _LAST_LINES)) or "(nothing)"
        return f"{self._binary} ended; the last it printed:\n  {lines}"
