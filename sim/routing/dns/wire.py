"""Queries as they come off the wire, read strictly, and replies that carry no records.

Written by hand because it runs for every packet: a library's parser costs ten times as much as
the answer. Nothing here raises, whatever the bytes are. RFC 1035 (messages), 6891 (EDNS).
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 1, 2, 3, 4, 5
BADVERS = 16
Transport = Literal["udp", "tcp"]

PLAIN_LIMIT = 512  # octets of a UDP reply without EDNS
UDP_SIZE = 1232  # what is advertised and never exceeded over UDP: fits any path unfragmented
TCP_LIMIT = 65535
ECS_OPTION = 8

HEADER = 12
_MAX_NAME = 255
_MAX_LABEL = 63
_MAX_RECORDS = 32  # a query that brings more than this is no query
_OPT = struct.Struct("!BHHBBHH")  # owner, type, UDP size, rcode, version, flags, data's length
_OPTION = struct.Struct("!HH")  # code, data's length
_DO = 0x8000  # the highest of the flags
_ONE_QUESTION = b"\0\1\0\0\0\0\0\0"
_QUESTION_AND_ONE = b"\0\1\0\0\0\0\0\1"
_OPT_START = b"\0\0\x29"


class Query(NamedTuple):
    """A well-formed query for one question.

    `end` is where the question ends in the packet, `key` the question with its name in lower
    case, `udp_size` the longest reply that EDNS lets us send over UDP (0 without EDNS), `subnet`
    the payload of the ECS option.
    """

    end: int
    key: bytes
    udp_size: int = 0
    wants_dnssec: bool = False
    subnet: bytes | None = None


class Rejection(NamedTuple):
    """A query that is answered with an error. `end` is 12 where it has no usable question."""

    rcode: int
    end: int = HEADER
    edns: bool = False


class _MalformedError(Exception):
    """The packet is not what RFC 1035 or 6891 allow. `edns`: it had an OPT record all the same."""

    def __init__(self, *, edns: bool = False) -> None:
        super().__init__()
        self.edns = edns


def scan(packet: bytes) -> Query | Rejection | None:
    """What a packet asks; None where it must not be answered at all (a response, or no header)."""
    if len(packet) < HEADER or packet[2] & 0x80:
        return None
    end = HEADER
    try:
        end = _question_end(packet)
        if packet[2] & 0x78:
            return Rejection(NOTIMP, end)
        # Length octets are below "A": lower() changes letters only.
        key = packet[HEADER : end - 4].lower() + packet[end - 4 : end]
        counts = packet[4:12]
        if counts == _ONE_QUESTION:
            return Query(end, key)
        usual = counts == _QUESTION_AND_ONE and packet[end : end + 3] == _OPT_START
        opt = end if usual else _find_opt(packet, end, counts)
        return _scan_opt(packet, opt, end, key) if opt else Query(end, key)
    except (IndexError, struct.error, _MalformedError) as error:
        rcode = NOTIMP if packet[2] & 0x78 else FORMERR
        return Rejection(rcode, end, isinstance(error, _MalformedError) and error.edns)


def _question_end(packet: bytes) -> int:
    if packet[4:6] != b"\0\1":
        raise _MalformedError
    at = HEADER
    while length := packet[at]:
        # Nothing stands before the first name that a compression pointer could mean.
        if length > _MAX_LABEL:
            raise _MalformedError
        at += length + 1
    end = at + 5
    if end > len(packet) or end - HEADER > _MAX_NAME + 4:
        raise _MalformedError
    return end


def _scan_opt(packet: bytes, opt: int, end: int, key: bytes) -> Query | Rejection:
    at = opt + _OPT.size
    _, _, udp_size, _, version, flags, length = _OPT.unpack_from(packet, opt)
    stop = at + length
    if stop > len(packet):
        raise _MalformedError(edns=True)
    if version:
        return Rejection(BADVERS, end, edns=True)
    subnet = None
    while at < stop:
        data = at + _OPTION.size
        if data > stop:
            raise _MalformedError(edns=True)
        code, length = _OPTION.unpack_from(packet, at)
        at = data + length
        if at > stop:
            raise _MalformedError(edns=True)
        if code == ECS_OPTION:
            if subnet is not None:
                raise _MalformedError(edns=True)
            subnet = packet[data:at]
    return Query(end, key, min(max(udp_size, PLAIN_LIMIT), UDP_SIZE), flags >= _DO, subnet)


def _find_opt(packet: bytes, at: int, counts: bytes) -> int:
    """Where the OPT record of an unusual query starts; 0 where it has none.

    Other records are passed over; only their extent is read.
    """
    before = (counts[2] << 8 | counts[3]) + (counts[4] << 8 | counts[5])
    total = before + (counts[6] << 8 | counts[7])
    if total > _MAX_RECORDS:
        raise _MalformedError
    found = 0
    for number in range(total):
        start = at
        while 0 < packet[at] <= _MAX_LABEL:
            at += packet[at] + 1
        at += 2 if packet[at] else 1
        if packet[at] == 0 and packet[at + 1] == _OPT_START[2]:
            if found or number < before or packet[start]:
                raise _MalformedError(edns=found > 0)
            found = start
        at += 10 + (packet[at + 8] << 8 | packet[at + 9])
    if at > len(packet):
        raise _MalformedError
    return found


def opt_record(options: bytes = b"", extended_rcode: int = 0) -> bytes:
    """The OPT record of a reply, its DO flag clear."""
    size = UDP_SIZE.to_bytes(2, "big")
    return b"\0\0\x29" + size + bytes((extended_rcode, 0, 0, 0, 0, len(options))) + options


PLAIN_OPT = opt_record()


def with_dnssec_ok(opt: bytes) -> bytes:
    """That OPT record with its DO flag set, as a query's is copied (RFC 3225, 3)."""
    return opt[:7] + b"\x80" + opt[8:]


def reply_head(rcode: int, *, authoritative: bool, counts: tuple[int, int], edns: bool) -> bytes:
    """Octets 2 to 12 of a reply to a query without RD; `counts` are answers and authorities."""
    flags = bytes((0x84 if authoritative else 0x80, rcode & 15))
    sections = (1, *counts, int(edns))
    return flags + b"".join(count.to_bytes(2, "big") for count in sections)


def rejection(packet: bytes, why: Rejection) -> bytes:
    """The reply to a query that cannot be answered: its id, opcode, RD and question if usable."""
    flags = bytes((0x80 | packet[2] & 0x79, why.rcode & 15))
    counts = bytes((0, int(why.end > HEADER), 0, 0, 0, 0, 0, int(why.edns)))
    opt = opt_record(extended_rcode=why.rcode >> 4) if why.edns else b""
    return packet[:2] + flags + counts + packet[HEADER : why.end] + opt
