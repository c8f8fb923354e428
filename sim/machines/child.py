"""A child process in a session of its own, whose end is noticed at once and without threads.

The kernel makes the child's pidfd readable when it ends. Until it is reaped, its process id
cannot be given to another process, so what is left of its process group is killed first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.clock import Clock
from sim.machines.masked_log import MaskedLog
from sim.machines.runtime import Exit
from sim.secrets import NO_SECRETS, Redactor


class Child:
    """A started command. Its output goes to the end of the file `output`, through `redact`.

    Raises OSError where it cannot be started. `stdin` is all that it can read (at most a pipe's
    buffer, 64 KiB).
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        output: Path,
        folder: Path | None = None,
        stdin: bytes = b"",
        redact: Redactor = NO_SECRETS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        self._log = MaskedLog(output, redact)
        read_end, write_end = os.pipe()
        try:
            try:
                os.write(write_end, stdin)
            finally:
                os.close(write_end)
            self._popen = subprocess.Popen(
                argv,
                stdin=read_end,
                stdout=self._log.write_end,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=env,
                start_new_session=True,
            )
        except BaseException:
            self._log.finish()
            raise
        finally:
            os.close(read_end)
            os.close(self._log.write_end)
        self.pid = self._popen.pid
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except OSError:  # no descriptor left: a child that cannot be watched must not stay
            self._popen.kill()
            self._popen.wait()
            self._log.finish()
            raise
        self._loop.add_reader(self._pidfd, self._reap)

    def __repr__(self) -> str:
        return f"<Child {self.pid} {self._exit.result() if self._exit.done() else 'running'}>"

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return not self._exit.done()

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._kill_group(signal.SIGKILL)
        code = self._popen.wait()
        self._log.finish()
        self._exit.set_result(Exit(code) if code >= 0 else Exit(None, signal=-code))

    def _kill_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # all of the group has ended already
        except PermissionError:
            os.kill(self.pid, number)  # a member changed its user: reach the leader at least

    async def exited(self) -> Exit:
        """Wait for its end."""
        return await asyncio.shield(self._exit)

    def send(self, number: int) -> None:
        """Signal the process and all of its group; nothing happens once it has ended."""
        if self.running:
            self._kill_group(number)

    async def stop(self, clock: Clock, timeout_s: float, number: int = signal.SIGTERM) -> Exit:
        """Signal it, and kill it if it still runs after `timeout_s` simulated seconds."""
        self.send(number)
        try:
            async with clock.timeout(timeout_s):
                return await self.exited()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> Exit:
        """End it at once, and wait until it is gone."""
        self.send(signal.SIGKILL)
        return await self.exited()


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file that may be long or not be there."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 512 * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
