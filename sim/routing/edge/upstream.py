"""A way to a machine: straight to one of the edge's own region, else through another's worker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sim.clock import Clock
from sim.routing.edge import backhaul_protocol
from sim.routing.edge.backhaul import Backhaul
from sim.routing.machine_choice import MachineView
from sim.streams.http.peer import HttpPeer
from sim.streams.tcp import TcpStream

# How long a worker may take to say yes or no: simulated seconds, but never less real time than a
# few round trips, which no `--speed` makes shorter. Fly does not publish its own figure.
_PATIENCE_S = 2.0
_TRIPS = 4
_OWN_REAL_MS = 250.0


class UnreachableError(Exception):
    """The machine could not be reached. `refused`: it has certainly seen nothing of the request.

    `silent`: nothing at all came back from its region.
    """

    def __init__(self, reason: str, *, refused: bool = True, silent: bool = False) -> None:
        self.refused = refused
        self.silent = silent
        super().__init__(reason)


@dataclass(frozen=True)
class UpstreamConnection:
    """A connection to a machine. Over the backhaul the worker's answer to it is still to come."""

    stream: TcpStream
    patience_s: float | None = None  # None: the machine itself accepted

    async def admitted(self, machine: HttpPeer, clock: Clock) -> None:
        """Wait for the worker's word, if there is one to wait for. Raises UnreachableError."""
        if self.patience_s is None:
            return
        try:
            async with clock.timeout(self.patience_s):
                line, rest = await self.stream.read_line(backhaul_protocol.LONGEST)
        except TimeoutError:
            reason = f"PU03: no answer within {self.patience_s:.2g} s"
            raise UnreachableError(reason, refused=False, silent=True) from None
        except ConnectionError as error:
            raise UnreachableError(f"PC03: {error}", refused=False) from error
        if not line.endswith(b"\n"):
            raise UnreachableError("PC03: the backhaul connection ended", refused=False)
        if (reason_why := backhaul_protocol.refusal_in(line)) is not None:
            raise UnreachableError(reason_why)
        if rest:
            machine.http.receive_data(rest)


async def connect_upstream(
    machine: MachineView, region: str, backhaul: Backhaul | None, clock: Clock
) -> UpstreamConnection:
    """Connect from the edge of a region to a machine. Raises UnreachableError."""
    loop = asyncio.get_running_loop()
    if backhaul is None or machine.region == region:
        host, port = machine.endpoint.host, machine.endpoint.port
        try:
            _, stream = await loop.create_connection(TcpStream, host, port)
        except OSError as error:
            raise UnreachableError(f"PC01: machine {machine.id} refused: {error}") from error
        return UpstreamConnection(stream)
    door = backhaul.door(machine.region)
    try:
        _, stream = await loop.create_connection(TcpStream, door.host, door.port)
    except OSError as error:
        reason = f"PU03: {machine.region} cannot be reached: {error}"
        raise UnreachableError(reason, silent=True) from error
    stream.write(backhaul_protocol.to_machine(machine.id))
    least_ms = _TRIPS * backhaul.rtt_ms(machine.region) + _OWN_REAL_MS * clock.speed
    return UpstreamConnection(stream, max(_PATIENCE_S, least_ms / 1000))
