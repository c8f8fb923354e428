"""Which timers of TCP machines rely on, by the sockets of real processes."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sim.clock import Clock
from sim.observe.events import LinkChanged, TransportTimerSeen
from sim.observe.journal import Journal
from sim.services.transport_timers import TransportTimers, timers_towards
from sim.topology.addresses import Endpoint
from tests.slot import address

NONE: dict[str, int] = {}
USER_TIMEOUT = {"TCP_USER_TIMEOUT": 5000}
KEEPALIVES = {"SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 7, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 4}

# A machine in a child, as of a server with workers; it says when it is connected.
CONNECTS = """
import json, os, socket, sys
host, port, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
if os.fork():
    os.wait()
sock = socket.create_connection((host, port))
for name, value in options.items():
    level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
    sock.setsockopt(level, getattr(socket, name), value)
sock.sendall(b"connected")
sys.stdin.read()
"""


@pytest.fixture
def service() -> Iterator[socket.socket]:
    """The near end of a link to a service."""
    with socket.create_server((address("152.7"), 0)) as listening:
        yield listening


async def connected(service: socket.socket, options: dict[str, int]) -> asyncio.subprocess.Process:
    """A machine that has a connection with these options."""
    host, port = service.getsockname()
    arguments = ["-c", CONNECTS, host, str(port), json.dumps(options)]
    machine = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.PIPE
    )
    service.settimeout(0)
    loop = asyncio.get_running_loop()
    peer, _ = await loop.sock_accept(service)
    with peer:
        peer.settimeout(0)
        assert await loop.sock_recv(peer, 100) == b"connected"
        peer.detach()  # stands until the machine ends
    return machine


async def end(machine: asyncio.subprocess.Process) -> None:
    assert machine.stdin
    machine.stdin.close()
    await machine.wait()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (NONE, []),
        (USER_TIMEOUT, [(5.0, "TCP_USER_TIMEOUT")]),
        (KEEPALIVES, [(15.0, "keepalives")]),
        (USER_TIMEOUT | KEEPALIVES, [(5.0, "TCP_USER_TIMEOUT"), (15.0, "keepalives")]),
    ],
)
async def test_the_timers_of_a_process_and_its_children_are_found(
    service: socket.socket, options: dict[str, int], found: list[tuple[float, str]]
) -> None:
    machine = await connected(service, options)
    host, port = service.getsockname()
    try:
        assert list(timers_towards(machine.pid, Endpoint(host, port))) == found
        assert not list(timers_towards(machine.pid, Endpoint(host, port + 1)))
    finally:
        await end(machine)


@pytest.mark.parametrize(
    ("silence", "source", "seen"),
    [
        ("connect", "fra", [("fra/1", "fra:database", "TCP_USER_TIMEOUT", 50.0)]),
        ("data", "fra", [("fra/1", "fra:database", "TCP_USER_TIMEOUT", 50.0)]),
        ("connect", "iad", []),
        ("tcp", "fra", []),
    ],
)
async def test_they_are_told_where_a_link_falls_silent_for_programs_alone(
    service: socket.socket, silence: str, source: str, seen: list[tuple[str, str, str, float]]
) -> None:
    """Its five real seconds are fifty at speed 10."""
    machine = await connected(service, USER_TIMEOUT | KEEPALIVES)
    clock = Clock(10.0)
    journal = Journal(clock)
    listen = Endpoint(*service.getsockname())
    row: Any = SimpleNamespace(
        name="fra/1", region="fra", instance=SimpleNamespace(host_pid=machine.pid)
    )
    down: Any = SimpleNamespace(name="fra/2", region="fra", instance=None)
    link = SimpleNamespace(spec=SimpleNamespace(source=source, listen=listen))
    links: Any = SimpleNamespace(link=lambda *_: link)
    TransportTimers({"a": row, "b": down}, links, clock, journal)
    try:
        detail = {"silence": silence}
        journal.write(LinkChanged(f"{source}:database", "silent", 90.0, detail=detail))
        await clock.sleep(0)
        found = [r.event for r in journal.records if isinstance(r.event, TransportTimerSeen)]
        assert [(e.machine, e.link, e.timer, e.after_s) for e in found] == seen
    finally:
        await end(machine)
