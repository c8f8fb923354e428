"""Where a program listens, as /proc has it: the TCP sockets that it holds in the state LISTEN."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_LISTEN = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")


class Listener(NamedTuple):
    """An address and a port at which connections are accepted."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listeners(session: int) -> list[Listener]:
    """Where the processes of a session listen; in a network of their own, all who listen there.

    Empty also where /proc does not say: they have ended, or are another user's.
    """
    try:
        texts = [(_PROC / str(session) / "net" / name).read_text() for name in ("tcp", "tcp6")]
        shared = _network(str(session)) == _network("self")
        held = set(_sockets(session)) if shared else None
    except OSError:
        return []
    found = {
        where
        for text in texts
        for inode, where in listening_sockets(text)
        if held is None or inode in held
    }
    return sorted(found, key=lambda where: (where.port, where.host))


def listening_sockets(text: str) -> Iterator[tuple[str, Listener]]:
    """The inode and the address of each socket that listens, of a text like /proc/net/tcp."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            host, _, port = fields[1].partition(":")
            yield fields[9], Listener(_address(host), int(port, 16))


def _address(digits: str) -> str:
    """An address as the kernel prints it: words of 32 bits, in the byte order of this host."""
    words = (bytes.fromhex(digits[k : k + 8]) for k in range(0, len(digits), 8))
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _network(pid: str) -> Path:
    return (_PROC / pid / "ns" / "net").readlink()


def _sockets(session: int) -> Iterator[str]:
    """The inodes of all sockets that the processes of a session hold."""
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(stat[3]) != session:
                continue
            links = [str(entry.readlink()) for entry in (folder / "fd").iterdir()]
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's
        for link in links:
            if match := _SOCKET.fullmatch(link):
                yield match[1]
