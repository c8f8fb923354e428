"""A child process in a session of its own, whose end is noticed at once and without threads.

The kernel makes the child's pidfd readable when it ends. Until it is reaped, its process id
cannot be given to another process, so what is left of its process group is killed first. A
descendant that has made a session of its own is known by the environment that it was started with.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sim.clock import Clock
from sim.processes.exit import Exit
from sim.processes.masked_log import MaskedLog
from sim.processes.proc import pids, send, started_with
from sim.secrets import NO_SECRETS, Redactor

_LOOK_AGAIN_REAL_S = 0.001


class Child:
    """A started command. Its output goes to the end of the file `output`, through `redact`.

    Raises OSError where it cannot be started. `stdin` is all that it can read (at most a pipe's
    buffer, 64 KiB). `marks` are names in `env` whose values no other child has: whoever was started
    with them descends from it, whatever session it is in.
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
        marks: Sequence[str] = (),
    ) -> None:
        self._marks = [f"{name}={env[name]}" for name in marks]
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
                # Where nothing is ignored there is none, and the child is made without a fork.
                preexec_fn=_heeding(),  # noqa: PLW1509 - it sets signals and does nothing else
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
        self._kill_what_is_left()
        self._take_end()

    def _take_end(self) -> None:
        code = self._popen.poll()
        if code is None:  # whoever traces it (its lens) has not seen its end yet: that comes first
            self._loop.call_later(_LOOK_AGAIN_REAL_S, self._take_end)
            return
        os.close(self._pidfd)
        self._log.finish()
        self._exit.set_result(Exit(code) if code >= 0 else Exit(None, signal=-code))

    def _kill_what_is_left(self) -> None:
        self._signal_group(signal.SIGKILL)
        killed: set[int] = set()
        # One may fork while the list is read, so look again until nothing new is found.
        while found := [pid for pid in self._marked() if pid not in killed]:
            for pid in found:
                send(pid, signal.SIGKILL)
            killed.update(found)

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # all of the group has ended already
        except PermissionError:
            os.kill(self.pid, number)  # a member changed its user: reach the leader at least

    def _marked(self) -> list[int]:
        return [pid for pid in pids() if started_with(pid, *self._marks)] if self._marks else []

    async def exited(self) -> Exit:
        """Wait for its end."""
        return await asyncio.shield(self._exit)

    def send(self, number: int) -> None:
        """Signal the process alone, as an init does; nothing happens once it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):  # it ends just now
                signal.pidfd_send_signal(self._pidfd, number)

    def send_all(self, number: int) -> None:
        """Signal the process and all that descends from it; nothing once it has ended."""
        if self.running:
            self._signal_group(number)
            for pid in self._marked():
                send(pid, number)

    async def stop(self, clock: Clock, timeout_s: float, number: int = signal.SIGTERM) -> Exit:
        """Signal it alone, and kill what still runs after `timeout_s` simulated seconds."""
        self.send(number)
        try:
            async with clock.timeout(timeout_s):
                return await self.exited()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> Exit:
        """End it at once with all that descends from it, and wait until it is gone."""
        if self.running:
            self._signal_group(signal.SIGKILL)  # with its end whoever is in another group follows
        return await self.exited()


def _heeding() -> Callable[[], None] | None:
    """What a new process does first, to ignore no signal that we ignore; None where we ignore none.

    A shell's background job ignores SIGINT, and one under nohup SIGHUP. Programs inherit that, and
    many keep to it: such a machine would not hear its signal to stop. (What Python itself ignores,
    subprocess restores.)
    """
    own = {signal.SIGPIPE, signal.SIGXFSZ}
    ignored = [n for n in signal.valid_signals() - own if signal.getsignal(n) is signal.SIG_IGN]

    def heed() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_DFL)

    return heed if ignored else None


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file that may be long or not be there."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 512 * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
