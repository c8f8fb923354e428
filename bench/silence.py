"""What it costs to silence a socket and to let it hear again, and how soon TCP carries on.

python -m bench.silence        # with CAP_NET_ADMIN
"""

from __future__ import annotations

import asyncio
import socket
import sys

from sim.clock import Clock
from sim.streams.silence import deafen, has_filters, undeafen

SOCKETS = 1000
SILENCES_S = (0.1, 1.0, 5.0)


async def main() -> None:
    """Measure, and print."""
    if not has_filters():
        sys.exit("this user may not filter TCP sockets: run it as root")
    clock = Clock()
    socks = [socket.socket() for _ in range(SOCKETS)]
    for word, call in (("deafen", deafen), ("undeafen", undeafen)):
        begun = clock.now()
        for sock in socks:
            call(sock)
        print(f"{word}: {(clock.now() - begun) / SOCKETS * 1e6:.1f} µs a socket, of {SOCKETS}")
    for sock in socks:
        sock.close()
    for silence_s in SILENCES_S:
        print(f"carries on {await _carries_on_after(silence_s, clock):.2f} s after {silence_s} s")


async def _carries_on_after(silence_s: float, clock: Clock) -> float:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        peer, _ = server.accept()
        with peer:
            peer.settimeout(0)
            deafen(peer)
            client.sendall(b"x")
            await clock.sleep(silence_s)
            undeafen(peer)
            begun = clock.now()
            await loop.sock_recv(peer, 1)
            return clock.now() - begun


if __name__ == "__main__":
    asyncio.run(main())
