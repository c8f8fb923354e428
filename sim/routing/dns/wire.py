"""Queries as they come off the wire, read strictly, and replies that carry no records.

Written by hand because it runs for every packet: a library's parser costs ten times as much as
the answer. Nothing here raises, whatever the bytes are. RFC 1035 (messages), 6891 (EDNS).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 1, 2, 3, 4, 5
BADVERS = 16
RCODES = {
    0: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
    BADVERS: "BADVERS",
}
Transport = Literal["udp", "tcp"]

PLAIN_LIMIT = 512  # octets of a UDP reply without EDNS
UDP_SIZE = 1232  # what is advertised and never exceeded over UDP: fits any path unfragmented
TCP_LIMIT = 65535
ECS_OPTION = 8

HEADER = 12
_MAX_NAME = 255
_MAX_LABEL = 63
_MAX_RECORDS = 32  # a query that brings more than this is no query
_OPT_FIXED = 11  # octets of an OPT record before its options; the last two are their length
_OPTION_FIXED = 4  # code, length
_VERSION, _FLAGS = 6, 7  # their octets in an OPT record
_DO = 0x80  # the highest of the flags
_ONE_QUESTION = b"\0\1\0\0\0\0\0\0"
_QUESTION_AND_ONE = b"\0\1\0\0\0\0\0\1"
_OPT_START = b"\0\0\x29"


class Query(NamedTuple):
    """A well-formed query for one question.

    `end` is where the question ends in the packet, `key` the question with its name in lower
    case, `opt` the OPT record with what is heeded of it (nothing without EDNS).
    """

    end: int
    key: bytes
    opt: bytes = b""


class Rejection(NamedTuple):
    """A query that is answered with an error. `end` is 12 where it has no usable question."""

    rcode: int
    end: int = HEADER
    edns: bool = False


class MalformedError(Exception):
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
    except (IndexError, MalformedError) as error:
        rcode = NOTIMP if packet[2] & 0x78 else FORMERR
        return Rejection(rcode, end, isinstance(error, MalformedError) and error.edns)


def _question_end(packet: bytes) -> int:
    if packet[4:6] != b"\0\1":
        raise MalformedError
    at = HEADER
    while length := packet[at]:
        # Nothing stands before the first name that a compression pointer could mean.
        if length > _MAX_LABEL:
            raise MalformedError
        at += length + 1
    end = at + 5
    if end > len(packet) or end - HEADER > _MAX_NAME + 4:
        raise MalformedError
    return end


def _scan_opt(packet: bytes, opt: int, end: int, key: bytes) -> Query | Rejection:
    length = int.from_bytes(packet[opt + _OPT_FIXED - 2 : opt + _OPT_FIXED], "big")
    stop = opt + _OPT_FIXED + length
    if stop > len(packet):
        # Without its fixed part it is no OPT record yet.
        raise MalformedError(edns=opt + _OPT_FIXED <= len(packet))
    if packet[opt + _VERSION]:
        return Rejection(BADVERS, end, edns=True)
    return Query(end, key, heeded(packet[opt:stop]))


def heeded(opt: bytes) -> bytes:
    """An OPT record without the options that change no answer: all but the client subnet.

    Raises MalformedError where its options do not fill it exactly.
    """
    stop, at, subnet = len(opt), _OPT_FIXED, b""
    if stop < at or (opt[9] << 8 | opt[10]) != stop - at:
        raise MalformedError(edns=True)
    while at < stop:
        start = at
        at += _OPTION_FIXED
        if at > stop:
            raise MalformedError(edns=True)
        at += opt[start + 2] << 8 | opt[start + 3]
        if opt[start + 1] == ECS_OPTION and not opt[start]:
            if subnet:
                raise MalformedError(edns=True)
            subnet = opt[start:at]
    if at > stop:
        raise MalformedError(edns=True)
    return opt[: _OPT_FIXED - 2] + len(subnet).to_bytes(2, "big") + subnet


class Extras(NamedTuple):
    """What an OPT record says to us.

    `udp_size` is the longest reply that may be sent over UDP, `subnet` the payload of the ECS
    option.
    """

    udp_size: int
    wants_dnssec: bool
    subnet: bytes | None


def read_opt(opt: bytes) -> Extras:
    """What a `Query.opt` says; without EDNS, that replies are short."""
    if not opt:
        return Extras(PLAIN_LIMIT, wants_dnssec=False, subnet=None)
    size = min(max(opt[3] << 8 | opt[4], PLAIN_LIMIT), UDP_SIZE)
    options = opt[_OPT_FIXED:]
    return Extras(size, opt[_FLAGS] >= _DO, options[_OPTION_FIXED:] if options else None)


def _find_opt(packet: bytes, at: int, counts: bytes) -> int:
    """Where the OPT record of an unusual query starts; 0 where it has none.

    Other records are passed over; only their extent is read.
    """
    before = (counts[2] << 8 | counts[3]) + (counts[4] << 8 | counts[5])
    total = before + (counts[6] << 8 | counts[7])
    if total > _MAX_RECORDS:
        raise MalformedError
    found = 0
    for number in range(total):
        start = at
        while 0 < packet[at] <= _MAX_LABEL:
            at += packet[at] + 1
        at += 2 if packet[at] else 1
        if packet[at] == 0 and packet[at + 1] == _OPT_START[2]:
            if found or number < before or packet[start]:
                raise MalformedError(edns=found > 0)
            found = start
        at += 10 + (packet[at + 8] << 8 | packet[at + 9])
    if at > len(packet):
        raise MalformedError
    return found


def opt_record(options: bytes = b"", extended_rcode: int = 0) -> bytes:
    """The OPT record of a reply, its DO flag clear."""
    size = UDP_SIZE.to_bytes(2, "big")
    return b"\0\0\x29" + size + bytes((extended_rcode, 0, 0, 0, 0, len(options))) + options


PLAIN_OPT = opt_record()


def with_dnssec_ok(opt: bytes) -> bytes:
    """That OPT record with its DO flag set, as a query's is copied (RFC 3225, 3)."""
    return opt[:_FLAGS] + bytes((_DO,)) + opt[_FLAGS + 1 :]


def subnet_opt(option: bytes, scope: int) -> bytes:
    """The OPT record of a reply that gives a query's ECS payload back with a scope."""
    echoed = option[:3] + bytes((scope,)) + option[4:]
    return opt_record(bytes((0, ECS_OPTION, 0, len(option))) + echoed)


def truncated(reply: bytes, end: int, opt: bytes) -> bytes:
    """A reply that does not fit, without its records.

    What does not fit is left out whole (RFC 2181, 9); the OPT stays (RFC 6891, 7).
    """
    counts = bytes((0, 1, 0, 0, 0, 0, 0, int(bool(opt))))
    return b"".join((reply[:2], bytes((reply[2] | 2, reply[3])), counts, reply[HEADER:end], opt))


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
