"""Connections that a part of the simulator takes, and their end."""

from __future__ import annotations

import socket

from sim.clock import Clock
from sim.observe.journal import Journal
from sim.streams.accept import listen
from sim.streams.tcp_server import TcpServer
from sim.topology.addresses import Endpoint

HOST = "127.0.0.1"


def free_port() -> int:
    with listen(Endpoint(HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def test_a_connection_whose_task_has_not_begun_is_closed_with_its_server():
    """It came in the very turn of the loop in which the part ends: nobody else knows of it."""
    clock = Clock()
    server = TcpServer("edge of fra", Journal(clock))
    served: list[socket.socket] = []

    async def serve(sock: socket.socket) -> None:
        served.append(sock)

    endpoint = Endpoint(HOST, free_port())
    server.open(endpoint, serve)
    with socket.create_connection((endpoint.host, endpoint.port), timeout=5) as client:
        while not len(server):  # the turn's events come behind this, and their tasks in the next
            await clock.sleep(0)
        await server.close()
        assert served == []
        assert client.recv(1) == b""
    assert len(server) == 0
