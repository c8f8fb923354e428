"""Sockets that no segment reaches, as if their path were cut.

Two ways, of which the first needs a right that not everybody has:

- A filter that drops every segment before TCP sees it (`SO_ATTACH_FILTER`, socket(7)). Nothing is
  acknowledged: `connect` times out, TCP_USER_TIMEOUT and keepalives fire, and once the filter is
  gone the peer's own retransmission carries on. Linux asks for CAP_NET_ADMIN.
- A listener whose queue is full: the kernel drops the SYNs of whoever connects (listen(2)).
  Connections that stand cannot be silenced so.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import socket
import struct

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_RETURN_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: ret #0
_DROP_ALL = struct.pack("HL", 1, ctypes.addressof(_RETURN_NOTHING))  # struct sock_fprog


@functools.cache
def has_filters() -> bool:
    """Whether this process may attach filters to TCP sockets."""
    with socket.socket() as sock:
        return deafen(sock)


def deafen(sock: socket.socket) -> bool:
    """Drop whatever arrives for a socket from now on. False where that is not allowed."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _DROP_ALL)
    except OSError:
        return False
    return True


def undeafen(sock: socket.socket) -> None:
    """Let segments through again. A socket that was not deaf stays as it is."""
    with contextlib.suppress(OSError):  # there is no filter on it, or it is closed
        sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


class FullQueue:
    """Keeps the queue of a listener full, so that nobody's SYN is answered, until `drain`.

    Whoever accepts from the listener must stop meanwhile.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        listening.listen(0)  # one connection waits, a second is not answered
        self._fillers = [socket.socket(listening.family, socket.SOCK_STREAM) for _ in range(2)]
        for filler in self._fillers:
            filler.settimeout(0)
            filler.connect_ex(listening.getsockname())

    def drain(self, backlog: int) -> list[socket.socket]:
        """Accept again, `backlog` at most waiting. Whose connections had been in the queue."""
        mine = {filler.getsockname() for filler in self._fillers}
        self.close()
        self._listening.listen(backlog)
        waiting = []
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, peer = self._listening.accept()
                if peer in mine:
                    sock.close()
                else:
                    waiting.append(sock)
        return waiting

    def close(self) -> None:
        """Let go of the queue; the listener is closed, or about to accept again."""
        for filler in self._fillers:
            filler.close()
