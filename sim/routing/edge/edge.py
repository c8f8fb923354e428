"""The edge of a region: its front door, what Fly Proxy is in Fly.io.

It listens once for each location, at the far end of that location's link, so the listener that
accepted says where the client is. TLS ends here; HTTP heads go through h11 and are rewritten;
bodies stream; after a WebSocket upgrade the bytes cross as they are.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sim.authority import CertificateAuthority
from sim.clock import Clock
from sim.observe.events import TlsHandshakeFailed
from sim.observe.journal import Journal
from sim.routing.edge.backhaul import Network
from sim.routing.edge.connection import Connection
from sim.routing.edge.context import EdgeContext
from sim.routing.edge.dispatch import Dispatcher
from sim.routing.edge.edge_counters import Counters
from sim.routing.edge.headers import Visit
from sim.routing.edge.loads import Loads
from sim.routing.edge.request_id import RequestIds
from sim.routing.machine_choice import MachineView, Rules
from sim.streams.accept import peek
from sim.streams.proxy_protocol import Peers, ProxyHeaderError, read_proxy_header
from sim.streams.tcp_server import TcpServer
from sim.streams.tls import HandshakeError, accept
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Topology


class Edge:
    """The front door of one region. `machines` names the machines it may send to, as of now.

    Those are its own region's, unless its `network` has a backhaul to others.
    """

    def __init__(
        self,
        region: str,
        topology: Topology,
        plan: AddressPlan,
        machines: Callable[[], Sequence[MachineView]],
        clock: Clock,
        journal: Journal,
        *,
        authority: CertificateAuthority,
        network: Network | None = None,
    ) -> None:
        self.region = region
        self._plan = plan
        self._authority = authority
        gateway = topology.gateway
        rules = Rules(gateway.concurrency, topology.routing.spill, gateway.auto_start)
        dispatcher = Dispatcher(region, machines, rules, network or Network(Loads()), clock)
        ids = RequestIds(region, clock)
        self._context = EdgeContext(
            region,
            dispatcher,
            ids,
            clock,
            journal,
            app=topology.app,
            regions=tuple(topology.regions),
            force_https=gateway.force_https,
            idle_timeout_s=gateway.idle_timeout_s,
        )
        self._doors: list[tuple[Endpoint, str | None]] = [(plan.edge(region), None)]
        self._doors += [(plan.edge_for(region, name), name) for name in topology.locations]
        self._server = TcpServer(f"edge of {region}", journal)
        self.standing: Counter[str | None] = Counter()  # connections, by location

    def __repr__(self) -> str:
        return f"<Edge {self.region}, {len(self._server)} connections>"

    @property
    def counters(self) -> Counters:
        """What it has done so far."""
        return self._context.counters

    async def start(self) -> None:
        """Listen everywhere. Raises EnvironmentLacksError where an address is taken."""
        for endpoint, location in self._doors:
            self._server.open(endpoint, partial(self._serve, location=location))

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        await self._server.close()

    async def _serve(self, sock: socket.socket, location: str | None) -> None:
        self.standing[location] += 1
        try:
            await self._converse(sock, location)
        finally:
            self.standing[location] -= 1

    async def _converse(self, sock: socket.socket, location: str | None) -> None:
        try:
            async with self._context.clock.timeout(self._context.idle_timeout_s):
                peers = await read_proxy_header(sock)
                await peek(sock, at_least=1)
            visit = self._visit(sock, peers, location)
        except (ProxyHeaderError, OSError):
            sock.close()
            return
        except BaseException:
            sock.close()
            raise
        try:
            stream = await accept(sock, self._authority)
        except HandshakeError as error:
            failed = TlsHandshakeFailed(self.region, location, visit.client, str(error))
            self._context.journal.write(failed)
            return
        except OSError:
            return
        visit = replace(visit, secure=stream.secure)
        await Connection(self._context, stream, visit, location).run()

    def _visit(self, sock: socket.socket, peers: Peers | None, location: str | None) -> Visit:
        if peers is not None:
            return Visit(peers.source, peers.target, peers.target_port, self.region)
        # A client that says nothing of itself has connected to the near end of its link.
        near = self._plan.link(location, self.region) if location else self._plan.edge(self.region)
        return Visit(sock.getpeername()[0], near.host, near.port, self.region)
