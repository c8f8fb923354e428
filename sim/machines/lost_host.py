"""The network of a machine whose host stands still: nothing that arrives is acknowledged.

A stopped process still has a kernel that accepts and acknowledges for it. When its host stands
still that kernel does too, so every TCP socket of the machine is made deaf (`streams.silence`). The
sockets are borrowed from its processes.
"""

from __future__ import annotations

from sim.errors import InputError
from sim.machines.sockets import tcp_sockets
from sim.streams.silence import deafen, undeafen


def silence(pid: int | None) -> None:
    """Make a process and all that descends from it unreachable. Raises InputError."""
    if pid is None:
        raise InputError(f"a host can be frozen only where its machines run on this one: {_ELSE}")
    if not all(deafen(sock) for sock in tcp_sockets(pid)):
        unsilence(pid)
        raise InputError(f"freezing a host takes CAP_NET_ADMIN (root has it): {_ELSE}")


_ELSE = "use `freeze` without `scope: host`, which stops the processes, whose kernel still accepts"


def unsilence(pid: int | None) -> None:
    """Let what arrives through again."""
    for sock in tcp_sockets(pid) if pid else ():
        undeafen(sock)
