"""Where clients are that are containers: a Docker network for each location, made when asked for.

A container's loopback is its own, so it reaches the world at this host's addresses in networks:
the nameserver and each region's link have one (see the address plan). What connects there is
carried on to the location's link, so it crosses the same link as everybody's, and the edge learns
the container's own address from a PROXY header.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from sim import registry
from sim.errors import EnvironmentLacksError, SimError
from sim.network.links import Links
from sim.routing.dns.nameserver import PORT
from sim.routing.resolver import Resolver
from sim.streams.forwarder import TcpForwarder
from sim.streams.proxy_protocol import Peers, v1_header
from sim.topology.addresses import PUBLIC_PORT, AddressPlan, Endpoint
from sim.topology.model import Topology

if TYPE_CHECKING:
    from sim.docker.engine import Engine

# The SDK takes 0.2 s to import, so it is left to who asks for a network.
_AT_ONCE = 4  # more networks at a time are no quicker


@dataclass(frozen=True)
class Quarters:
    """How a container is put in a location: its network, and the nameserver to give it.

    `apart`: the network is the location's own; else it is the simulator's, which is a container
    itself and needs no other.
    """

    network: str
    nameserver: str
    apart: bool


class ClientNetworks:
    """The networks of a world's locations. `folder` is the world's."""

    def __init__(
        self,
        topology: Topology,
        plan: AddressPlan,
        folder: Path,
        resolver: Resolver,
        links: Links,
    ) -> None:
        self._topology = topology
        self._plan = plan
        self._folder = folder
        self._resolver = resolver
        self._links = links
        self._engine: Engine | None = None
        self._quarters: dict[str, Quarters] = {}
        self._forwarders: list[TcpForwarder] = []
        self._making = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<ClientNetworks of {', '.join(self._quarters) or 'nobody'}>"

    async def open(self, location: str) -> Quarters:
        """The network of a location, which is made for the first who asks.

        Raises EnvironmentLacksError or StartError, with the remedy, where it cannot be.
        """
        async with self._making:
            if location not in self._quarters:
                self._quarters[location] = await self._make(location)
            return self._quarters[location]

    async def close(self) -> None:
        """Remove the networks, and what containers are still in them."""
        for forwarder in self._forwarders:
            forwarder.close()
        engine, self._engine = self._engine, None
        if engine is None:
            return
        from sim.docker.engine import CLIENT_LABEL  # noqa: PLC0415 - see above
        from sim.docker.leftovers import remove_all  # noqa: PLC0415 - see above

        await engine.settle()
        try:
            if engine.api:
                with contextlib.suppress(SimError):  # the engine is gone, so they will be found
                    await engine.run(remove_all, self._folder.name, engine.api, label=CLIENT_LABEL)
        finally:
            await engine.close()

    async def _make(self, location: str) -> Quarters:
        if self._resolver.port != PORT:
            raise EnvironmentLacksError(
                f"containers ask nameservers at port {PORT}; this world's listen at"
                f" {self._resolver.port}",
                "bring the world up as root, or after"
                f" `sudo sysctl net.ipv4.ip_unprivileged_port_start={PORT}`",
            )
        from sim.docker import networks  # noqa: PLC0415 - see above
        from sim.docker.engine import CLIENT_LABEL  # noqa: PLC0415 - see above

        engine = await self._connected()
        if own := await engine.own_container():
            return Quarters(f"container:{own}", self._plan.nameserver(location), apart=False)
        plan, world, name = self._plan, self._folder.name, f"from-{location}"
        doors = {code: plan.client_door(location, code) for code in self._topology.regions}
        inner = plan.client_network(location)
        wanted = {name: inner} | {f"{name}-to-{code}": door for code, door in doors.items()}
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(called: str, subnet: IPv4Network) -> None:
            async with turns:
                await networks.make(engine, world, called, subnet, CLIENT_LABEL)

        await asyncio.gather(*(one(*network) for network in wanted.items()))
        for code, door in doors.items():
            forwarder = await self._open_forwarder(
                Endpoint(str(door[1]), PUBLIC_PORT), plan.link(location, code)
            )
            self._links.link(location, code).attach(forwarder)
        routes = {code: str(door[1]) for code, door in doors.items()}
        await self._resolver.extend(location, str(inner[1]), routes)
        return Quarters(f"sim-{world}-{name}", str(inner[1]), apart=True)

    async def _connected(self) -> Engine:
        from sim.docker.engine import Engine  # noqa: PLC0415 - see above

        if self._engine is None:
            registry.mark_containers(self._folder)
            engine = Engine()
            try:
                await engine.open()
            except BaseException:
                await engine.close()
                raise
            self._engine = engine
        return self._engine

    async def _open_forwarder(self, here: Endpoint, there: Endpoint) -> TcpForwarder:
        forwarder = TcpForwarder(here, there, _who_it_is)
        self._forwarders.append(forwarder)
        await forwarder.open()
        return forwarder


def _who_it_is(near: socket.socket) -> bytes:
    """The PROXY header that tells the edge whose connection it is."""
    (source, source_port), (target, target_port) = near.getpeername(), near.getsockname()
    return v1_header(Peers(source, source_port, target, target_port))
