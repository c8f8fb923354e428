"""The splice: after an upgrade both sides' bytes cross unaltered until either side ends.

Frames, pings, close codes and extensions are the business of the client and the gateway; the
edge does not look at them.
"""

from __future__ import annotations

from sim.network.relay import Splice
from sim.routing.edge.wire import Wire, reset_on_close


class _Passage(Splice):
    """A splice of client (a) and machine (b) that passes a reset on as a reset."""

    machine_broke_off = False

    def end_lost(self, exc: Exception | None) -> None:
        """One side is gone; where it broke off, the other's end is a reset too."""
        if exc is not None:
            self.machine_broke_off |= self._b.lost and not self._a.lost
            for end in (self._a, self._b):
                if not end.lost:
                    reset_on_close(end.transport)
        super().end_lost(exc)


async def splice(client: Wire, machine: Wire, to_machine: bytes, to_client: bytes) -> bool:
    """Carry bytes between two connections until both are closed; whether the machine broke off.

    `to_machine` and `to_client` were received before, and go first. An end of either side
    (half-close too) ends both; a reset is passed on as a reset. When cancelled, both are aborted.
    """
    to_machine += client.detach()
    to_client += machine.detach()
    passage = _Passage(client.transport, machine.transport, ab=to_machine, ba=to_client)
    client.carries(lambda: (passage.bytes_ab - len(to_machine), passage.bytes_ba))
    for wire in (client, machine):
        if wire.at_end:
            wire.transport.close()  # an end that was seen before is not seen again
    try:
        await passage.wait()
    finally:
        client.has_ended()
        machine.has_ended()
    return passage.machine_broke_off
