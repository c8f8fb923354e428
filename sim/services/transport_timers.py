"""Timers of TCP that machines rely on, where a cut link cannot make them fire.

Without the right to filter sockets a cut link acknowledges what is sent on connections that stand
(`streams.silence`), so that TCP_USER_TIMEOUT and keepalives never fire. Machines reach services
through links; which of these connections have such a timer, their sockets tell.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from functools import partial

from sim.clock import Clock
from sim.machines.machine import Machine
from sim.machines.sockets import tcp_sockets
from sim.network.links import Links
from sim.observe.events import LinkChanged, TransportTimerSeen
from sim.observe.journal import Journal, Record
from sim.topology.addresses import Endpoint


class TransportTimers:
    """Journals such timers of `machines` whenever a link falls silent for programs alone."""

    def __init__(
        self, machines: Mapping[str, Machine], links: Links, clock: Clock, journal: Journal
    ) -> None:
        self._machines = machines
        self._links = links
        self._clock = clock
        self._journal = journal
        journal.subscribe(self._take)

    def _take(self, record: Record) -> None:
        event = record.event
        if isinstance(event, LinkChanged) and event.detail.get("silence", "tcp") != "tcp":
            asyncio.get_running_loop().call_soon(partial(self._look, event.link))

    def _look(self, name: str) -> None:
        link = self._links.link(*name.split(":"))
        for machine in self._machines.values():
            pid = machine.instance.host_pid if machine.instance else None
            if machine.region != link.spec.source or pid is None:
                continue
            timers = list(timers_towards(pid, link.spec.listen))
            if timers:
                after_real_s, option = min(timers)
                after_s = after_real_s * self._clock.speed  # the kernel counts real seconds
                self._journal.write(TransportTimerSeen(machine.name, name, option, after_s))


def timers_towards(pid: int, peer: Endpoint) -> Iterator[tuple[float, str]]:
    """After how many real seconds of silence a process's connections to there would end, and why.

    Keepalives alone end an idle connection, TCP_USER_TIMEOUT one with data under way (tcp(7)).
    """
    for sock in tcp_sockets(pid):
        try:
            if sock.getpeername()[:2] != (peer.host, peer.port):
                continue
        except OSError:  # it listens, or is not connected yet
            continue
        yield from timers_of(sock)


def timers_of(sock: socket.socket) -> Iterator[tuple[float, str]]:
    """The same of a socket."""

    def option(name: int) -> int:
        return sock.getsockopt(socket.IPPROTO_TCP, name)

    if after_ms := option(socket.TCP_USER_TIMEOUT):
        yield after_ms / 1000, "TCP_USER_TIMEOUT"
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        probes_s = option(socket.TCP_KEEPINTVL) * option(socket.TCP_KEEPCNT)
        yield float(option(socket.TCP_KEEPIDLE) + probes_s), "keepalives"
