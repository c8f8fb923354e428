"""What a request to an HTTP proxy asks for, and how it goes on (pure).

Sources: RFC 9110, 9.3.6 (CONNECT); RFC 9112, 3.2 (forms of the target).
"""

from __future__ import annotations

from urllib.parse import urlsplit

import h11

from sim.places.reachable import Destination
from sim.streams.http.fields import (
    Headers,
    end_to_end,
    origin_form,
    switched,
    upgrade_of,
    values,
)

_HTTP, _HTTPS = 80, 443
_FOR_THE_PROXY = frozenset({b"proxy-authorization"})


class NoDestinationError(Exception):
    """A request that a proxy cannot take."""


def destination_of(request: h11.Request) -> Destination:
    """Where a request is to go. Raises NoDestinationError."""
    target = request.target.decode("ascii", "replace")
    tunnel = request.method == b"CONNECT"
    try:
        parts = urlsplit(f"//{target}" if tunnel else target)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if tunnel and host and port and target == parts.netloc:
        return Destination(host, port)
    if not tunnel and host and parts.scheme in {"http", "ws"}:
        return Destination(host, port or _HTTP)
    if not tunnel and host and parts.scheme in {"https", "wss"}:
        raise NoDestinationError(f"ask for {host} by CONNECT {host}:{port or _HTTPS}")
    raise NoDestinationError(f"a proxy takes whole URLs, or CONNECT with host and port: {target}")


def onward(request: h11.Request) -> h11.Request:
    """The request as its origin gets it.

    Without a Via of the proxy's own: to the edge the client itself is at the location.
    """
    target, host = origin_form(request)
    kept = [
        (key, host if key.lower() == b"host" and host is not None else value)
        for key, value in end_to_end(request.headers.raw_items())
        if key.lower() not in _FOR_THE_PROXY
    ]
    if values(request.headers, b"transfer-encoding"):
        kept.append((b"Transfer-Encoding", b"chunked"))
    if upgrade := upgrade_of(request):
        kept += [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade)]
    return h11.Request(method=request.method, target=target, headers=kept)


def backward(fields: Headers, *, upgrade: bool = False) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as the client gets it; `upgrade` for 101."""
    kept = end_to_end(fields)
    if upgrade:
        kept += switched(fields)
    return kept
