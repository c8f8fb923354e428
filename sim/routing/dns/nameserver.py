"""The sockets of the name server: UDP and TCP at one port of many addresses.

Each address has sockets of its own, because a reply from a wildcard socket carries another source
address than the one that was asked, and clients throw it away. UDP is read in bursts from a reader
callback: a transport and a task for each datagram would cost more than the answer.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from dnslib import DNSRecord

from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.routing.dns.wire import Transport

Handler = Callable[[bytes, str | None, str, Transport], bytes | None]
"""Takes a packet, whom it asked (the value of the address in `hosts`) and its source's address."""

PORT = 53
UNPRIVILEGED_PORT = 1053
IDLE_S = 10.0  # real seconds in which a TCP client must send a whole query (RFC 7766, 6.2.3)
MAX_CONNECTIONS = 256
_BURST = 64  # packets served before other work gets its turn
_MAX_DATAGRAM = 4096  # no query is longer; what is cut off is malformed
_BACKLOG = 65537  # one message of the greatest length and its length prefix


class NameServer:
    """Answers at every address of `hosts` with what `handler` returns."""

    def __init__(self, hosts: Mapping[str, str | None], port: int | None, handler: Handler) -> None:
        self._hosts = dict(hosts)
        self._wanted = port
        self._handler = handler
        self._udp: list[socket.socket] = []
        self._tcp: list[asyncio.Server] = []
        self._connections: set[_TcpConnection] = set()
        self.port = 0
        self.received: Counter[Transport] = Counter({"udp": 0, "tcp": 0})

    async def start(self) -> None:
        """Listen everywhere, or nowhere: raises EnvironmentLacksError."""
        try:
            # Started again, it has to be where everybody looks for it.
            self.port = self._wanted or self.port or _permitted_port(next(iter(self._hosts)))
            for host, asked in self._hosts.items():
                await self._listen(host, asked)
        except OSError as error:
            await self.stop()
            raise _lack(error, self.port) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every socket and connection."""
        loop = asyncio.get_running_loop()
        for udp in self._udp:
            if udp.fileno() >= 0:
                loop.remove_reader(udp)
                udp.close()
        for server in self._tcp:
            server.close()
        for connection in tuple(self._connections):
            connection.abort()
        for server in self._tcp:
            await server.wait_closed()
        # Aborted connections are gone when their callbacks have run.
        await Clock().sleep(0)
        self._udp.clear()
        self._tcp.clear()

    async def _listen(self, host: str, asked: str | None) -> None:
        loop = asyncio.get_running_loop()
        # Without SO_REUSEADDR: with it, Linux lets two servers share a UDP port in silence.
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.append(udp)
        udp.setblocking(False)  # noqa: FBT003 - the standard library's only form
        udp.bind((host, self.port))
        loop.add_reader(udp, self._drain, udp, asked)
        connect = partial(_TcpConnection, self._handler, asked, self._connections, self.received)
        self._tcp.append(await loop.create_server(connect, host, self.port))

    def _drain(self, udp: socket.socket, asked: str | None) -> None:
        handler, receive, send = self._handler, udp.recvfrom, udp.sendto
        for number in range(_BURST):
            try:
                packet, source = receive(_MAX_DATAGRAM)
            except OSError:  # nothing left to read
                self.received["udp"] += number
                return
            reply = handler(packet, asked, source[0], "udp")
            if reply is not None:
                try:
                    send(reply, source)
                except OSError:  # a full buffer, or a source that cannot be replied to
                    continue
        self.received["udp"] += _BURST


async def ask(host: str, port: int, name: str) -> bytes:
    """What a name server answers when asked for a name's address. Raises OSError where nobody is.

    It waits for as long as that takes.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's only form
        sock.connect((host, port))  # connected, so that a port where nobody listens is refused
        await loop.sock_sendall(sock, DNSRecord.question(name).pack())
        return await loop.sock_recv(sock, _MAX_DATAGRAM)


class _TcpConnection(asyncio.Protocol):
    """Queries with a length prefix, one after another, each answered in its turn (RFC 7766)."""

    _transport: asyncio.Transport  # from connection_made on

    def __init__(
        self,
        handler: Handler,
        asked: str | None,
        connections: set[_TcpConnection],
        received: Counter[Transport],
    ) -> None:
        self._handler = handler
        self._asked = asked
        self._source = ""
        self._connections = connections
        self._received = received
        self._buffer = bytearray()
        self._clock = Clock()
        self._idle: asyncio.TimerHandle | None = None
        self._writable = True
        self._ended = False
        self._resuming: asyncio.Handle | None = None

    def abort(self) -> None:
        """Close at once, whatever is still unsent."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= MAX_CONNECTIONS:
            self.abort()
            return
        self._source = transport.get_extra_info("peername")[0]
        self._connections.add(self)
        self._await_query()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        self._connections.discard(self)
        for handle in (self._idle, self._resuming):
            if handle:
                handle.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._serve()

    def eof_received(self) -> bool:
        """The client sends no more: what it asked is answered before the connection closes."""
        self._ended = True
        self._serve()
        return True

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._serve()

    def _await_query(self) -> None:
        if self._idle:
            self._idle.cancel()
        self._idle = self._clock.call_later(IDLE_S, self.abort)

    def _serve(self) -> None:
        if self._resuming:
            self._resuming.cancel()
            self._resuming = None
        for _ in range(_BURST):
            if not self._writable or self._transport.is_closing():
                break
            packet = self._next_query()
            if packet is None:
                break
            self._await_query()
            self._received["tcp"] += 1
            reply = self._handler(packet, self._asked, self._source, "tcp")
            if reply is not None:
                self._transport.write(len(reply).to_bytes(2, "big") + reply)
        else:
            self._resuming = asyncio.get_running_loop().call_soon(self._serve)
        self._regulate()

    def _next_query(self) -> bytes | None:
        size = int.from_bytes(self._buffer[:2], "big") + 2
        if len(self._buffer) < size:
            return None
        packet = bytes(self._buffer[2:size])
        del self._buffer[:size]
        return packet

    def _regulate(self) -> None:
        """Read on only while what was read finds room; close when all that was asked is done."""
        if self._transport.is_closing():
            return
        if self._ended:
            if self._writable and not self._resuming:
                self._transport.close()
        elif len(self._buffer) >= _BACKLOG or not self._writable:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()


def _permitted_port(host: str) -> int:
    """53 where this process may bind it, else 1053."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, PORT))
        except PermissionError:
            return UNPRIVILEGED_PORT
    return PORT


def _lack(error: OSError, port: int) -> EnvironmentLacksError:
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return EnvironmentLacksError(
            f"the resolver cannot listen: {reason}",
            f"end what listens there (`ss -lnp 'sport = :{port}'` names it), or take another port",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return EnvironmentLacksError(
            f"the resolver may not listen on port {port}: {reason}",
            f"take a port above 1023 (such as {UNPRIVILEGED_PORT}), or run as root",
        )
    return EnvironmentLacksError(
        f"the resolver cannot listen on port {port}: {reason}",
        "on Linux all of 127.0.0.0/8 is local; elsewhere add the addresses to the loopback device",
    )
