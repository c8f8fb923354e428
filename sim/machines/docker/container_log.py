"""A container's output, copied into the machine's log with its secrets masked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path

from docker.errors import DockerException

from sim.docker.engine import BROKEN, Engine
from sim.processes.masked_log import MaskedLog
from sim.secrets import Redactor


class ContainerLog:
    """Follows what one container prints, from its start to its end."""

    def __init__(self, engine: Engine, path: Path, redact: Redactor) -> None:
        self._engine = engine
        path.parent.mkdir(parents=True, exist_ok=True)
        self._log = MaskedLog(path, redact)
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()

    def follow(self, container: str) -> None:
        """Begin to copy, in a thread."""
        arguments = (container, self._log.write_end)
        threading.Thread(target=self._copy, args=arguments, name="docker logs", daemon=True).start()

    async def ended(self) -> None:
        """Wait until all that was printed is in the file. Never, if nothing is followed."""
        await self._ended.wait()

    def drop(self) -> None:
        """Close without having followed anything."""
        os.close(self._log.write_end)
        self._log.finish()

    def _copy(self, container: str, write_end: int) -> None:
        with contextlib.suppress(*BROKEN, DockerException, OSError, ValueError):
            for chunk in self._engine.streams.logs(container, stream=True, follow=True):
                left = chunk
                while left:
                    left = left[os.write(write_end, left) :]
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        os.close(self._log.write_end)
        self._log.finish()
        self._ended.set()
