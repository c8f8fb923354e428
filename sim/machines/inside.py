"""Looking into a machine that is a process group of this host: commands beside it, and its list."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.clock import Clock
from sim.errors import StartError
from sim.machines.runtime import Executed, ProcessRow

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


async def execute(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    stdin: str,
    timeout_real_s: float,
    clock: Clock,
) -> Executed:
    """Run a command to its end, or to its time limit; then all of its group is killed.

    Raises StartError where it cannot be run.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise StartError(f"cannot run {argv[0]} in {folder}: {error}") from error
    talking = asyncio.create_task(process.communicate(stdin.encode()))
    try:
        async with clock.timeout(timeout_real_s * clock.speed):
            stdout, stderr = await asyncio.shield(talking)
        code = process.returncode
    except TimeoutError:
        _kill_group(process.pid)
        stdout, stderr = await talking
        code = None
    finally:
        if not talking.done():
            _kill_group(process.pid)
            talking.cancel()
            await process.wait()
    return Executed(code, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def processes(session: int) -> list[ProcessRow]:
    """The processes of a session, the oldest first."""
    up_s = float((_PROC / "uptime").read_text().split()[0])
    rows = (_row(int(entry.name), session, up_s) for entry in _PROC.iterdir() if _is_pid(entry))
    return sorted((row for row in rows if row), key=lambda row: (-row.age_s, row.pid))


def _is_pid(entry: Path) -> bool:
    return entry.name.isdigit()


def _row(pid: int, session: int, up_s: float) -> ProcessRow | None:
    """One process, or None where it is another session's, or has ended meanwhile."""
    folder = _PROC / str(pid)
    try:
        # The name is in parentheses and may hold spaces and parentheses of its own.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        if int(fields[3]) != session:
            return None
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        directory = str((folder / "cwd").readlink())
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return ProcessRow(
        pid=pid,
        command=command.strip(),
        directory=directory,
        cpu_s=ticks / _TICKS_PER_S,
        age_s=max(0.0, up_s - int(fields[19]) / _TICKS_PER_S),
        rss_bytes=int(fields[21]) * _PAGE_BYTES,
    )
