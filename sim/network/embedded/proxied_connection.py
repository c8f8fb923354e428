"""One client's connection through a proxy: two sockets and a pipe in each direction.

As in Toxiproxy, an end that arrives in one direction ends both: its destination is closed, what
was already read from there is still delivered, then the other side is closed too. With
`half_close` the sender's FIN ends its own direction alone, as on a network.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from sim.network.embedded.pipe import BUFFER_BYTES, Engine, Pipe
from sim.network.embedded.toxics.base import Mark
from sim.network.link_spec import Stream

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends an RST


def close_socket(sock: socket.socket, *, reset: bool = False) -> None:
    """Close with a FIN, or with an RST."""
    if reset:
        with contextlib.suppress(OSError):  # it is over already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()


@dataclass(frozen=True)
class Options:
    """What the connections of a proxy are like beside its toxics; no stock Toxiproxy has these."""

    half_close: bool = False
    buffer_bytes: int = BUFFER_BYTES
    segment_bytes: int = 0


class Connection:
    """Two connected sockets and what flows between them."""

    def __init__(
        self,
        engine: Engine,
        client: socket.socket,
        server: socket.socket,
        number: int,
        closed: Callable[[Connection], None],
        options: Options = Options(),
    ) -> None:
        self.number = number
        self._half_close = options.half_close
        self.opened_at = engine.now()
        self.pipes: dict[Stream, Pipe] = {
            "upstream": Pipe(engine, client, server, self._arrived, options.buffer_bytes),
            "downstream": Pipe(engine, server, client, self._arrived, options.buffer_bytes),
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
        elif mark is Mark.END and self._half_close:
            with contextlib.suppress(OSError):  # it is gone, which the other pipe will find
                pipe.destination.shutdown(socket.SHUT_WR)
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
