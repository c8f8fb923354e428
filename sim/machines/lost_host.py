"""The network of a machine whose host stands still: nothing that arrives is acknowledged.

A stopped process still has a kernel that accepts and acknowledges for it. When its host stands
still that kernel does too, so every TCP socket of the machine is made deaf (`streams.silence`). The
sockets are borrowed from its processes (pidfd_getfd(2), Linux 5.6).
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress

from sim.errors import InputError
from sim.host.schedstat import family
from sim.streams.silence import deafen, undeafen

_PIDFD_GETFD = 438  # the same on every architecture


def silence(pid: int | None) -> None:
    """Make a process and all that descends from it unreachable. Raises InputError."""
    if pid is None:
        raise InputError(f"a host can be frozen only where its machines run on this one: {_ELSE}")
    if not all(deafen(sock) for sock in _tcp_sockets(pid)):
        unsilence(pid)
        raise InputError(f"freezing a host takes CAP_NET_ADMIN (root has it): {_ELSE}")


_ELSE = "use `freeze` without `scope: host`, which stops the processes, whose kernel still accepts"


def unsilence(pid: int | None) -> None:
    """Let what arrives through again."""
    for sock in _tcp_sockets(pid) if pid else ():
        undeafen(sock)


def _tcp_sockets(pid: int) -> Iterator[socket.socket]:
    """A duplicate of each, open until the next is asked for."""
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
