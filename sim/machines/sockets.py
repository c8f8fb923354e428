"""The TCP sockets of other processes, borrowed (pidfd_getfd(2), Linux 5.6)."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress

from sim.host.schedstat import family

_PIDFD_GETFD = 438  # the same on every architecture


def tcp_sockets(pid: int) -> Iterator[socket.socket]:
    """A duplicate of each of a process and its descendants, open until the next is asked for.

    Those of other users' processes are left out, unless this one may see them.
    """
    for member in family([pid]):
        with suppress(OSError):  # it has ended
            pidfd = os.pidfd_open(member)
            try:
                yield from _of_process(member, pidfd)
            finally:
                os.close(pidfd)


def _of_process(pid: int, pidfd: int) -> Iterator[socket.socket]:
    for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(OSError):  # closed meanwhile, or nothing that we may have
            if not stat.S_ISSOCK(os.stat(f"/proc/{pid}/fd/{name}").st_mode):  # noqa: PTH116
                continue
            with socket.socket(fileno=_getfd(pidfd, int(name))) as sock:
                if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == _STREAM:
                    yield sock


_STREAM = socket.SOCK_STREAM
_libc = ctypes.CDLL(None, use_errno=True)


def _getfd(pidfd: int, number: int) -> int:
    found: int = _libc.syscall(_PIDFD_GETFD, pidfd, number, 0)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found
