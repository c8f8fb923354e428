"""What /proc shows of this host's processes: whose they are, and which signals they handle."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Handling:
    """Which signals a process has handlers for, and which it ignores, by name."""

    caught: tuple[str, ...]
    ignored: tuple[str, ...]


def pids() -> Iterator[int]:
    """Every process but this one."""
    own = os.getpid()
    names = os.listdir(_PROC)  # noqa: PTH208 - see started_with
    return (int(name) for name in names if name.isdigit() and int(name) != own)


def started_with(pid: int, *entries: str) -> bool:
    """Whether a process was started with all of these (`NAME=value`) in its environment.

    Not if it has ended, is another user's, or has overwritten the place (as PostgreSQL does).
    """
    try:
        # Asked of every process of a host while a load runs: a Path would take three times as long.
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123
            environment = b"\0" + file.readall()
    except OSError:
        return False
    return all(b"\0%s\0" % entry.encode() in environment for entry in entries)


def send(pid: int, number: int) -> None:
    """Signal a process; nothing happens where it has ended, or is another user's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def handling_of(pid: int) -> Handling | None:
    """How a process takes signals now, or None where /proc does not say (it has ended)."""
    try:
        status = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if "SigCgt" not in fields or "SigIgn" not in fields:
        return None
    return Handling(_names(fields["SigCgt"]), _names(fields["SigIgn"]))


def children(pid: int) -> list[int]:
    """The processes that a process with one thread has started, the oldest first."""
    try:
        listed = (_PROC / str(pid) / "task" / str(pid) / "children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def in_cgroup(pid: int, name: str) -> bool:
    """Whether a process is in a control group with this in its path."""
    try:
        return name in (_PROC / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _names(mask: str) -> tuple[str, ...]:
    """The signals of a mask as in proc(5): bit n - 1 is the signal n."""
    bits = int(mask, 16)
    return tuple(number.name for number in signal.Signals if bits >> (number - 1) & 1)
