"""The worker: the far end of the links that lead to a region from other regions' edges.

It listens once for each of those regions. An edge names a machine; the worker looks whether it is
there (the edge may know less), connects, and from then on carries bytes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from sim.clock import Clock
from sim.observe.journal import Journal
from sim.routing.edge import backhaul_protocol
from sim.routing.edge.backhaul import MachineOfWorker
from sim.routing.edge.upstream import UnreachableError, connect_of_worker
from sim.streams.splice import splice
from sim.streams.tcp import TcpStream
from sim.streams.tcp_server import TcpServer
from sim.topology.addresses import AddressPlan


class Worker:
    """Takes what other regions' edges forward to this one."""

    def __init__(
        self,
        region: str,
        plan: AddressPlan,
        sources: Sequence[str],
        machine: MachineOfWorker,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self.region = region
        self._clock = clock
        self._doors = [plan.worker(region, source) for source in sources]
        self._machine = machine
        self._server = TcpServer(f"worker of {region}", journal)

    def __repr__(self) -> str:
        return f"<Worker {self.region}, {len(self._server)} connections>"

    async def start(self) -> None:
        """Listen everywhere. Raises EnvironmentLacksError where an address is taken."""
        for endpoint in self._doors:
            self._server.open(endpoint, self._serve)

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        await self._server.close()

    async def _serve(self, sock: socket.socket) -> None:
        try:
            _, edge = await asyncio.get_running_loop().connect_accepted_socket(TcpStream, sock)
        except OSError:
            sock.close()
            return
        try:
            line, rest = await edge.read_line(backhaul_protocol.LONGEST)
            if line == backhaul_protocol.PING:
                await _say(edge, backhaul_protocol.YES)
            elif isinstance(machine := await self._reach(line), str):
                await _say(edge, backhaul_protocol.no(machine))
            else:
                edge.write(backhaul_protocol.YES)
                await splice(edge, machine, rest, b"")
            edge.close()
            await edge.ended()
        except ConnectionError:
            pass  # the edge is gone
        finally:
            edge.abort()

    async def _reach(self, line: bytes) -> TcpStream | str:
        """A connection to the machine that a line asks for, or why there is none."""
        asked = backhaul_protocol.machine_in(line) or ""
        try:
            return await connect_of_worker(self.region, asked, self._machine, self._clock)
        except UnreachableError as error:
            return str(error)


async def _say(edge: TcpStream, line: bytes) -> None:
    """Say that and no more, and wait until the edge has heard it and left.

    A request may be on its upstream: closing with unread bytes would reset the connection, and the
    reset could overtake the line.
    """
    edge.write(line)
    edge.end()
    while await edge.read():
        pass
