"""Which loopback addresses a world may have: a slot, claimed until all of the world is gone."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from sim.errors import EnvironmentLacksError
from sim.topology.addresses import CONTROL_PORT, SLOTS, AddressPlan, Endpoint, control_of
from sim.topology.model import Topology


def claim(
    topology: Topology, stack: contextlib.AsyncExitStack
) -> tuple[socket.socket, AddressPlan]:
    """Claim a free slot: the listener of its control address, and its plan. `stack` gives it up.

    The claim is a UDP socket at that address, which no two worlds can have: the listener goes
    before other parts of the world do. A slot where a killed world's link server or database still
    listens is passed over. Raises EnvironmentLacksError where there is no slot left.
    """
    for slot in SLOTS:
        plan = AddressPlan(topology, slot)
        with contextlib.suppress(OSError), contextlib.ExitStack() as taken:
            mark = taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            mark.bind((plan.control.host, plan.control.port))
            for endpoint in (plan.link_server, plan.database):
                _listen(endpoint).close()
            listener = taken.enter_context(_listen(plan.control))
            stack.callback(taken.pop_all().close)
            return listener, plan
    raise EnvironmentLacksError(
        f"no loopback address is free for a world: port {CONTROL_PORT} is taken on all of"
        f" {control_of(SLOTS[0]).host} to {control_of(SLOTS[-1]).host}",
        "end a program that listens on that port everywhere, or other worlds (sim down --all; those"
        " of another user are for that user to end)",
    )


def taken() -> int:
    """How many slots are claimed on this machine, by whichever user."""
    marks = {f"{control_of(slot).host}:{CONTROL_PORT}" for slot in SLOTS}
    return len(marks.intersection(_bound_udp()))


def _bound_udp() -> Iterator[str]:
    """The IPv4 addresses at which a UDP socket is bound (proc(5), net/udp)."""
    for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]:
        host, _, port = line.split()[1].partition(":")
        yield f"{socket.inet_ntoa(struct.pack('=I', int(host, 16)))}:{int(port, 16)}"


def _listen(endpoint: Endpoint) -> socket.socket:
    return socket.create_server((endpoint.host, endpoint.port))
