"""A stock toxiproxy-server as a process: started, watched and stopped."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import signal
from collections.abc import Mapping

from sim.clock import Clock
from sim.errors import StartError
from sim.network.remote import POLL_REAL_S, READY_REAL_S, answers
from sim.topology.addresses import Endpoint

_STOP_S = 3.0
_LAST_LINES = 20


class RealLinkServer:
    """A toxiproxy-server process of our own at `endpoint`.

    `env` is added to its environment (the mark of the world).
    """

    def __init__(
        self,
        binary: str,
        endpoint: Endpoint,
        clock: Clock,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._binary = binary
        self._clock = clock
        self._env = {**os.environ, **(env or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._last_lines: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
        self._watching: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self._process else "stopped"
        return f"<RealLinkServer {self._binary} at {self.url}, {state}>"

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"http://{self.endpoint}"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until its API answers. Raises StartError with its last lines."""
        if await answers(self.url):
            raise StartError(f"a link server is already listening on {self.endpoint}")
        command = (self._binary, "-host", self.endpoint.host, "-port", str(self.endpoint.port))
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                "-proxy-metrics",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"cannot start {self._binary}: {error.strerror}") from error
        self._watching = asyncio.create_task(self._watch(self._process))
        try:
            async with self._clock.timeout(READY_REAL_S * self._clock.speed):
                answered = await self._answers_before_its_end(self._process)
        except TimeoutError:
            answered = False
        if not answered:
            await self.stop()
            raise StartError(f"no answer at {self.url}: {self._last_words()}")

    async def ping(self) -> None:
        """Raises StartError, with its last lines, where it has ended."""
        if self._process is None or self._process.returncode is not None:
            raise StartError(self._last_words())

    async def _answers_before_its_end(self, process: asyncio.subprocess.Process) -> bool:
        while not await answers(self.url):
            if process.returncode is not None:
                return False
            await self._clock.sleep(POLL_REAL_S * self._clock.speed)
        return True

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL. Safe to call again."""
        process, self._process = self._process, None
        if process and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with self._clock.timeout(_STOP_S * self._clock.speed):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._watching:
            await self._watching
            self._watching = None

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Read its log, so that it never blocks on a full pipe."""
        if process.stdout:
            async for line in process.stdout:
                self._last_lines.append(line.decode("utf-8", "replace").rstrip())
        await process.wait()

    def _last_words(self) -> str:
        lines = "\n  ".join(self._last_lines) or "(nothing)"
        return f"{self._binary} ended; the last it printed:\n  {lines}"
