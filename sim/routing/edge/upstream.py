"""A way to a machine: straight to one of the edge's own region, else through another's worker."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.clock import Clock
from sim.routing.edge import backhaul_protocol
from sim.routing.edge.backhaul import Backhaul, MachineOfWorker
from sim.routing.machine_choice import MachineView
from sim.streams.connecting import connect_stream
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
    admitted_by: float | None = None  # an instant; None: the machine itself accepted

    async def admitted(self, machine: HttpPeer, clock: Clock) -> None:
        """Wait for the worker's word, if there is one to wait for. Raises UnreachableError."""
        if self.admitted_by is None:
            return
        begun = clock.now()
        try:
            async with clock.timeout(self.admitted_by - begun):
                line, rest = await self.stream.read_line(backhaul_protocol.LONGEST)
        except TimeoutError:
            reason = f"PU03: no answer within {self.admitted_by - begun:.2g} s"
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
    machine: MachineView,
    region: str,
    backhaul: Backhaul | None,
    clock: Clock,
    until_s: float | None = None,
) -> UpstreamConnection:
    """Connect from the edge of a region to a machine, until an instant. Raises UnreachableError."""
    most_s = math.inf if until_s is None else until_s - clock.now()
    if backhaul is None:
        return UpstreamConnection(await connect_machine(machine, clock, most_s))
    if machine.region == region:
        own = await connect_of_worker(region, machine.id, backhaul.machine, clock, most_s)
        return UpstreamConnection(own)
    least_ms = _TRIPS * backhaul.rtt_ms(machine.region) + _OWN_REAL_MS * clock.speed
    patience_s = min(most_s, max(_PATIENCE_S, least_ms / 1000))
    until = clock.now() + patience_s
    try:
        async with clock.timeout(patience_s):
            stream = await connect_stream(backhaul.door(machine.region), clock)
    except OSError as error:
        reason = f"PU03: {machine.region} cannot be reached: {str(error) or 'it does not answer'}"
        raise UnreachableError(reason, silent=True) from error
    stream.write(backhaul_protocol.to_machine(machine.id))
    return UpstreamConnection(stream, until)


async def connect_of_worker(
    region: str, asked: str, machine: MachineOfWorker, clock: Clock, most_s: float = math.inf
) -> TcpStream:
    """Connect to a machine that its region's worker knows.

    A machine's address may be another's by now, so an id is what is asked for.
    Raises UnreachableError.
    """
    known = machine(asked)
    if known is None:
        raise UnreachableError(f"PR02: {region} has no machine {asked}")
    return await connect_machine(known, clock, most_s)


async def connect_machine(
    machine: MachineView, clock: Clock, most_s: float = math.inf
) -> TcpStream:
    """Connect to a machine from its own region. Raises UnreachableError."""
    try:
        async with clock.timeout(min(most_s, _PATIENCE_S)):
            return await connect_stream(machine.endpoint, clock)
    except TimeoutError:
        raise UnreachableError(f"PC05: machine {machine.id} does not answer") from None
    except OSError as error:
        raise UnreachableError(f"PC01: machine {machine.id} refused: {error}") from error
