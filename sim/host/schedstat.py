"""How long tasks of this host waited for a processor, as /proc shows it.

The second number of `/proc/PID/task/TID/schedstat` is the time that a task was ready to run and did
not (sched-stats.rst of the kernel), in nanoseconds. It grows when the wait is over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_OWN_THREAD = "/proc/thread-self/schedstat"
_STEAL = 8  # field of the line `cpu` of /proc/stat, see proc(5)
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def supported() -> bool:
    """Whether this kernel tells."""
    return _read(_OWN_THREAD) is not None


def own_thread_ms() -> float:
    """What the calling thread has waited since it began."""
    return _waited_ms(_OWN_THREAD) or 0.0


def tasks_of(pid: int) -> list[int]:
    """The threads of a process; none where it has ended, or is another user's."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - often asked
    except OSError:
        return []


def task_ms(pid: int, tid: int) -> float | None:
    """What a thread has waited since it began, or None where it has ended."""
    return _waited_ms(f"/proc/{pid}/task/{tid}/schedstat")


def family(pids: Iterable[int]) -> set[int]:
    """These processes, all that descend from them, and who traces them (their lens)."""
    found: set[int] = set()
    ahead = list(pids)
    while ahead:
        pid = ahead.pop()
        if pid in found:
            continue
        found.add(pid)
        if tracer := _tracer_of(pid):
            found.add(tracer)
        for tid in tasks_of(pid):
            listed = _read(f"/proc/{pid}/task/{tid}/children")
            ahead += map(int, (listed or b"").split())
    return found


def _tracer_of(pid: int) -> int:
    """The process that traces a process, or 0."""
    told = (_read(f"/proc/{pid}/status") or b"").partition(b"TracerPid:")[2].split(None, 1)
    return int(told[0]) if told else 0


def stolen_ms() -> float:
    """What a hypervisor kept from this host's processors, each on average, since it began."""
    stat = (_read("/proc/stat") or b"").split(b"\n", 1)[0].split()
    if len(stat) <= _STEAL:
        return 0.0
    return int(stat[_STEAL]) / _TICKS_PER_S * 1000 / (os.cpu_count() or 1)


def short_of_memory_ms() -> float:
    """For how long some task of this host waited for memory, since it began; 0 if not told."""
    return _pressed_ms("memory")


def at_the_disk_ms() -> float:
    """For how long some task of this host waited for a disk, since it began; 0 if not told."""
    return _pressed_ms("io")


def contended() -> float:
    """The share of the last ten seconds in which some task waited for a processor; 0 if not told.

    Source: psi.rst of the kernel ("pressure stall information").
    """
    some = (_read("/proc/pressure/cpu") or b"").partition(b"avg10=")[2].split(None, 1)
    return float(some[0]) / 100 if some else 0.0


def _pressed_ms(what: str) -> float:
    for line in (_read(f"/proc/pressure/{what}") or b"").splitlines():
        if line.startswith(b"some"):
            return int(line.rpartition(b"total=")[2]) / 1000
    return 0.0


def _waited_ms(path: str) -> float | None:
    text = _read(path)
    return int(text.split()[1]) / 1e6 if text else None


def _read(path: str) -> bytes | None:
    # Asked of every thread of a world several times a second: a Path takes three times as long.
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.read(file, 4096)
    except OSError:
        return None
    finally:
        os.close(file)
