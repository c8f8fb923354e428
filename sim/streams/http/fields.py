"""The fields of HTTP messages that a hop has to know, whoever it is (pure).

Sources: RFC 9110 section 7.6.1 (hop-by-hop fields); RFC 9112 sections 3.2.2
(absolute-form), 6.3 (message bodies).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import h11

Headers = Sequence[tuple[bytes, bytes]]

MAX_HEAD = 64 * 1024
MAX_LENGTH = 2**63 - 1  # h11 reads twenty digits of a length; programs count in 63 bits
NO_HTTP_2 = (
    "HTTP/1.1 is spoken here, and not HTTP/2: neither by prior knowledge nor by ALPN, so that gRPC"
    " cannot work"
)

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
# `Connection: host` must not be a way to take away what the next hop relies on.
_NEVER_HOP_BY_HOP = frozenset({b"host", b"content-length"})


class RefusedError(Exception):
    """A request that never reaches a machine."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


def values(fields: Headers, name: bytes) -> list[bytes]:
    """The comma-separated members of every field of that name, in order, in lower case."""
    return [
        member.strip().lower()
        for key, value in fields
        if key.lower() == name
        for member in value.split(b",")
        if member.strip()
    ]


def end_to_end(fields: Headers) -> list[tuple[bytes, bytes]]:
    """The headers without those that concern this hop alone."""
    dropped = _HOP_BY_HOP | (set(values(fields, b"connection")) - _NEVER_HOP_BY_HOP)
    return [(key, value) for key, value in fields if key.lower() not in dropped]


def has_body(request: h11.Request) -> bool:
    """Whether the request announces a body (RFC 9112 6.3)."""
    lengths = values(request.headers, b"content-length")
    return bool(values(request.headers, b"transfer-encoding")) or lengths not in ([], [b"0"])


def is_last(request: h11.Request) -> bool:
    """Whether the client says that it will ask no more on this connection (RFC 9112, 9.3)."""
    options = values(request.headers, b"connection")
    return b"close" in options or (request.http_version < b"1.1" and b"keep-alive" not in options)


def upgrade_of(request: h11.Request) -> bytes | None:
    """The protocols in which the client proposes to go on, as it wrote them.

    HTTP/2 (`h2c`) is none: no hop here speaks it, and a server may go on in HTTP/1.1.
    """
    proposed = values(request.headers, b"upgrade")
    if (
        request.http_version < b"1.1"
        or b"upgrade" not in values(request.headers, b"connection")
        or not proposed
        or b"h2c" in proposed
        or has_body(request)
    ):
        return None
    return b", ".join(value for key, value in request.headers if key == b"upgrade")


def switched(fields: Headers) -> list[tuple[bytes, bytes]]:
    """The fields of a 101 that say in what it goes on."""
    chosen = [(key, value) for key, value in fields if key.lower() == b"upgrade"]
    return [(b"Connection", b"Upgrade"), *chosen]


def check_framing(request: h11.Request) -> None:
    """Refuse what two parsers could read differently, and other HTTP. Raises RefusedError."""
    if not request.http_version.startswith(b"1."):
        raise RefusedError(505, NO_HTTP_2)
    has_encoding = bool(values(request.headers, b"transfer-encoding"))
    if has_encoding and values(request.headers, b"content-length"):
        raise RefusedError(400, "both Transfer-Encoding and Content-Length")
    if has_encoding and request.http_version < b"1.1":
        raise RefusedError(400, "Transfer-Encoding in HTTP/1.0")
    if any(int(length) > MAX_LENGTH for length in values(request.headers, b"content-length")):
        raise RefusedError(400, "a Content-Length of 2^63 or more")


def origin_form(request: h11.Request) -> tuple[bytes, bytes | None]:
    """The target as an origin server expects it, and the Host that an absolute one implies."""
    if b"://" not in request.target.partition(b"?")[0] or request.target.startswith(b"/"):
        return request.target, None
    parts = urlsplit(request.target)
    target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    return target, parts.netloc.rpartition(b"@")[2]


def trailers(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The trailer fields that may pass."""
    return end_to_end(list(fields))
