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


def wants_websocket(request: h11.Request) -> bool:
    """Whether the client proposes to go on in WebSocket."""
    return (
        request.method == b"GET"
        and request.http_version >= b"1.1"
        and b"upgrade" in values(request.headers, b"connection")
        and values(request.headers, b"upgrade") == [b"websocket"]
        and not has_body(request)
    )


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
