"""The ports of a world's programs: no two have the same, whatever address each is told."""

from __future__ import annotations

import socket

from sim.errors import EnvironmentLacksError
from sim.topology.addresses import SLOTS

# Below the ephemeral range (32768 on), so that no outgoing connection holds one of these.
_PORTS = range(18000, 32000)
_PORTS_PER_SLOT = len(_PORTS) // len(SLOTS)


class Ports:
    """Those that a world in that slot may have.

    Each is given once, because a program that ignores HOST listens on 0.0.0.0, and so on every
    address.
    """

    def __init__(self, slot: int) -> None:
        self._first = (slot - SLOTS.start) * _PORTS_PER_SLOT
        self._taken: set[int] = set()

    def __repr__(self) -> str:
        return f"<Ports {sorted(self._taken)}>"

    def take(self, host: str) -> int:
        """One that nobody has, free on the wildcard and on the host.

        Raises EnvironmentLacksError where there is none.
        """
        for offset in range(len(_PORTS)):
            port = _PORTS[(self._first + offset) % len(_PORTS)]
            if port not in self._taken and _free("0.0.0.0", port) and _free(host, port):
                self._taken.add(port)
                return port
        raise EnvironmentLacksError(
            f"no free TCP port for a program in {_PORTS.start}-{_PORTS.stop - 1}",
            "stop other programs or worlds (sim down --all)",
        )

    def release(self, port: int) -> None:
        """Its program is gone for good: it may be given again."""
        self._taken.discard(port)


def _free(host: str, port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
        return True
