"""The slot of loopback addresses of this process's tests: 127.SLOT.0.0/16.

Tests of parts listen at the fixed ports of an address plan. Each process of a run side by side, and
each of two runs at once, has a slot of its own, beyond those of worlds.
"""

from __future__ import annotations

import socket

from sim.topology.addresses import CONTROL_PORT, SLOTS


def _claim() -> int:
    """A slot that no other process of tests has, until this one ends."""
    for slot in range(SLOTS.stop, 250):
        mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            mark.bind((f"127.{slot}.0.1", CONTROL_PORT))
        except OSError:
            mark.close()
            continue
        mark.detach()  # stays bound as long as the process lives
        return slot
    raise RuntimeError(f"every slot from {SLOTS.stop} to 249 is taken by another process of tests")


SLOT = _claim()


def address(host: str) -> str:
    """An address of this slot: `2.53` is 127.SLOT.2.53."""
    return f"127.{SLOT}.{host}"
