"""The PROXY protocol: the header by which a link tells the edge who the client really is.

Source: HAProxy's "The PROXY protocol, versions 1 & 2". Version 1 is a line of text, version 2 a
binary block; both come before the first byte of what the client itself sends, TLS included.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from sim.streams.accept import peek

_V1 = b"PROXY"
_V1_LONGEST = 107  # with its line end, as the specification counts it
_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_FIXED = 16
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


class ProxyHeaderError(ValueError):
    """A connection began like a PROXY header and went on as none: nothing after it is safe."""


@dataclass(frozen=True)
class Peers:
    """The two ends of a client's connection, as whoever accepted it first saw them."""

    source: str
    source_port: int
    target: str
    target_port: int


def header_length(start: bytes) -> int | None:
    """How long the PROXY header is that a connection starts with: 0 where it starts with none.

    None where more bytes are needed to tell. Raises ProxyHeaderError.
    """
    if start.startswith(_V2):
        if len(start) < _V2_FIXED:
            return None
        (rest,) = struct.unpack_from("!H", start, 14)
        return _V2_FIXED + int(rest)
    if start.startswith(_V1 + b" "):
        end = start.find(b"\r\n", 0, _V1_LONGEST)
        if end >= 0:
            return end + 2
        if len(start) >= _V1_LONGEST:
            raise ProxyHeaderError("a PROXY line without an end")
        return None
    undecided = (_V1 + b" ").startswith(start) or _V2.startswith(start)
    return None if undecided else 0


def parse(header: bytes) -> Peers | None:
    """What a whole header says; None where it names nobody (UNKNOWN, LOCAL, not TCP).

    Raises ProxyHeaderError.
    """
    try:
        return _parse_v2(header) if header.startswith(_V2) else _parse_v1(header)
    except (ValueError, struct.error) as error:
        raise ProxyHeaderError(f"not a PROXY header: {header[:_V1_LONGEST]!r}") from error


def _parse_v1(header: bytes) -> Peers | None:
    words = header.decode("ascii").removesuffix("\r\n").split(" ")
    family = words[1]
    if family == "UNKNOWN":
        return None
    _, _, source, target, source_port, target_port = words
    kind = {"TCP4": IPv4Address, "TCP6": IPv6Address}.get(family)
    if kind is None:
        raise ProxyHeaderError(f"unknown family {family}")
    ports = int(source_port), int(target_port)
    if not all(0 <= port <= 0xFFFF for port in ports):
        raise ProxyHeaderError("a port beyond 65535")
    return Peers(str(kind(source)), ports[0], str(kind(target)), ports[1])


def _parse_v2(header: bytes) -> Peers | None:
    command, family = header[12], header[13]
    if command not in {_LOCAL, _PROXY}:
        raise ProxyHeaderError(f"unknown version and command {command:#x}")
    if command == _LOCAL or family not in {_TCP4, _TCP6}:
        return None
    kind, form = (IPv4Address, "!4s4sHH") if family == _TCP4 else (IPv6Address, "!16s16sHH")
    source, target, source_port, target_port = struct.unpack_from(form, header, _V2_FIXED)
    return Peers(str(kind(source)), source_port, str(kind(target)), target_port)


def v1_header(peers: Peers) -> bytes:
    """The version 1 line that says so."""
    family = "TCP6" if ":" in peers.source else "TCP4"
    line = f"PROXY {family} {peers.source} {peers.target} {peers.source_port} {peers.target_port}"
    return line.encode("ascii") + b"\r\n"


async def read_proxy_header(sock: socket.socket) -> Peers | None:
    """Take the PROXY header off a fresh connection, if it begins with one; who it names, if any.

    Raises ProxyHeaderError where one begins and does not end as one, OSError where the peer is
    gone.
    """
    seen = b""
    while (length := header_length(seen)) is None:
        start = await peek(sock, at_least=len(seen) + 1)
        if len(start) <= len(seen):
            if not seen:
                return None  # the client left without a word: whoever reads next sees its end
            raise ProxyHeaderError("the connection ended within a PROXY header")
        seen = start
    if not length:
        return None
    header = b""
    loop = asyncio.get_running_loop()
    while len(header) < length:
        part = await loop.sock_recv(sock, length - len(header))
        if not part:
            raise ProxyHeaderError("the connection ended within a PROXY header")
        header += part
    return parse(header)
