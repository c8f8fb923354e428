"""SOCKS version 5 as far as an entry speaks it: CONNECT, without authentication (pure).

Source: RFC 1928. What has come so far goes in; what it says and how long it was comes out, or None
while it is incomplete. No message is longer than `LONGEST`.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from ipaddress import IPv4Address

from sim.places.reachable import Destination

VERSION = b"\x05"
LONGEST = 262  # a request by a name of 255 octets
WELCOME = b"\x05\x00"  # no authentication
UNWELCOME = b"\x05\xff"  # none of the methods that the client offers

_NO_AUTHENTICATION = 0
_CONNECT = 1
_IPV4, _NAME = 1, 3


class Reply(IntEnum):
    """How a request ended (RFC 1928, section 6)."""

    SUCCEEDED = 0
    FAILED = 1
    NOT_ALLOWED = 2
    HOST_UNREACHABLE = 4
    REFUSED = 5
    NO_SUCH_COMMAND = 7
    NO_SUCH_ADDRESS_TYPE = 8

    def encoded(self) -> bytes:
        """The reply; the address that the proxy is bound to is of no use to anybody."""
        return struct.pack("!BBBBIH", 5, self, 0, _IPV4, 0, 0)


class MalformedError(Exception):
    """A request that cannot be served. `reply` says why in SOCKS's words."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.name)


def read_greeting(start: bytes) -> tuple[bool, int] | None:
    """Whether the client does without authentication, and how long its greeting was."""
    if len(start) < 2 or len(start) < 2 + start[1]:
        return None
    length = 2 + start[1]
    return _NO_AUTHENTICATION in start[2:length], length


def read_request(start: bytes) -> tuple[Destination, int] | None:
    """Where the client wants to go, and how long its request was. Raises MalformedError."""
    if len(start) < 5:
        return None
    version, command, _, kind, first = start[:5]
    if version != VERSION[0]:
        raise MalformedError(Reply.FAILED)
    if command != _CONNECT:
        raise MalformedError(Reply.NO_SUCH_COMMAND)
    if kind not in {_IPV4, _NAME}:
        raise MalformedError(Reply.NO_SUCH_ADDRESS_TYPE)
    begin, end = (4, 8) if kind == _IPV4 else (5, 5 + first)
    if len(start) < end + 2:
        return None
    (port,) = struct.unpack_from("!H", start, end)
    if kind == _IPV4:
        return Destination(str(IPv4Address(start[begin:end])), port), end + 2
    try:
        return Destination(start[begin:end].decode("ascii"), port), end + 2
    except UnicodeDecodeError:
        raise MalformedError(Reply.HOST_UNREACHABLE) from None
