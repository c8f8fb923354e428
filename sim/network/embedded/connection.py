"""One client's connection through a proxy: two sockets and a pipe in each direction.

As in Toxiproxy, an end that arrives in one direction ends both: its destination is closed, what
was already read from there is still delivered, then the other side is closed too.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable

from sim.network.embedded.pipe import Engine, Pipe
from sim.network.embedded.toxics.base import Mark
from sim.network.link_spec import Stream

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends an RST


def close_socket(sock: socket.socket, *, reset: bool = False) -> None:
    """Close with a FIN, or with an RST."""
    if reset:
        with contextlib.suppress(OSError):  # it is over already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()


class Connection:
    """Two connected sockets and what flows between them."""

    def __init__(
        self,
        engine: Engine,
        client: socket.socket,
        server: socket.socket,
        number: int,
        closed: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self.opened_at = engine.now()
        self.pipes: dict[Stream, Pipe] = {
            "upstream": Pipe(engine, client, server, self._arrived),
            "downstream": Pipe(engine, server, client, self._arrived),
        }
        self._closed = closed
        self.over = False

    def __repr__(self) -> str:
        up, down = self.pipes["upstream"], self.pipes["downstream"]
        return f"<Connection {self.number}, {up.sent} bytes up, {down.sent} down>"

    def start(self) -> None:
        """Let bytes flow. The stages are in place already."""
        for pipe in self.pipes.values():
            if not self.over:
                pipe.start()

    def _arrived(self, pipe: Pipe, mark: Mark | None) -> None:
        other = self.pipes["downstream" if pipe is self.pipes["upstream"] else "upstream"]
        if mark is Mark.RESET_BOTH:
            self.close(reset=True)
        elif other.ended:
            self.close(reset=mark is Mark.RESET)
        elif mark:
            # Nothing more is read from there; what was read before is still delivered.
            other.read_while(wanted=False)
            close_socket(pipe.destination, reset=mark is Mark.RESET)
            other.finish(mark)
        # Without a mark the other pipe meets the same broken socket by itself, after whatever
        # can still be read from it.

    def close(self, *, reset: bool = False) -> None:
        """End both sides now; what is under way is lost."""
        if self.over:
            return
        self.over = True
        for pipe in self.pipes.values():
            pipe.stop()
        for pipe in self.pipes.values():
            close_socket(pipe.source, reset=reset)
        self._closed(self)
