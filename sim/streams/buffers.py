"""Sockets whose ends hold as much as they would across a network, and not what loopback lets them.

A loopback segment is 64 KB, and Linux sizes a sender's buffer by its segments: whoever sends to a
peer that does not read has 4 MB in the kernel before it has to wait, where across Ethernet it is
some hundred KB. So our sockets ask their peers for Ethernet's segments, receive into a buffer of
fixed size, and take no more than they can soon send.
"""

from __future__ import annotations

import contextlib
import socket

ETHERNETS_SEGMENT = 1448  # Ethernet's 1500 less IPv4, TCP and the timestamp option
LEAST_SEGMENT_BYTES, MOST_SEGMENT_BYTES = 88, 32767  # what Linux takes for TCP_MAXSEG
_RECEIVE_BYTES = 32 * 1024  # Linux doubles it for its own bookkeeping
_MOST_BYTES = 4 * 1024 * 1024
_AS_THE_SYSTEM = 0  # net.ipv4.tcp_notsent_lowat
_UNSENT_BYTES = 32 * 1024


def use_segments(sock: socket.socket, most_bytes: int) -> None:
    """Bound the segments of a socket and its peer (0: as the route has them).

    Before it connects; for those that a listener accepts from now on.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, most_bytes)


def as_across_a_network(sock: socket.socket) -> None:
    """Bound what a socket and its peer buffer: before it connects, or listens (for all)."""
    use_segments(sock, ETHERNETS_SEGMENT)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def bound_kernel(source: socket.socket, destination: socket.socket, most: int | None) -> None:
    """Have the kernel hold so many bytes at most on either side of a relay (None: what it likes).

    Those that came and were not read, and those to be sent for which the peer has no room yet.
    """
    received, unsent = (most, most) if most is not None else (_MOST_BYTES, _AS_THE_SYSTEM)
    with contextlib.suppress(OSError):  # a peer is gone, which reading or writing will find
        source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received)
        destination.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, unsent)
