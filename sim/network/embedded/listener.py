"""Where a proxy listens, with Go's words where it cannot."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from sim.network.embedded import go_addresses
from sim.network.embedded.go_addresses import AddressError
from sim.streams.accept import Acceptor
from sim.streams.buffers import use_segments

_BACKLOG = 4096


class Listener:
    """A bound and listening socket. Raises AddressError with Go's words where it cannot be."""

    def __init__(self, host: str, port: int, accepted: Callable[[socket.socket], None]) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
            sock.bind((host, port))
            sock.listen(_BACKLOG)
        except (OSError, ValueError) as error:
            sock.close()
            code = error.errno if isinstance(error, OSError) else errno.EINVAL
            reason = os.strerror(code or errno.EINVAL).lower()
            raise AddressError(
                f"listen tcp {go_addresses.join(host, port)}: bind: {reason}"
            ) from error
        bound_host, bound_port = sock.getsockname()[:2]
        self.address = go_addresses.join(bound_host, bound_port)
        self._socket = sock
        self._acceptor = Acceptor(sock, accepted)

    def use_segments(self, most_bytes: int) -> None:
        """Bound the segments of connections from now on."""
        use_segments(self._socket, most_bytes)

    def be_silent(self, *, wanted: bool) -> None:
        """Answer no SYN from now on, or answer again."""
        self._acceptor.be_silent(wanted=wanted)

    def close(self) -> None:
        """Listen no more: connecting is refused from now on."""
        self._acceptor.close()
