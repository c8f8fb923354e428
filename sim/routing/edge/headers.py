"""What the edge does to the headers of requests and answers (pure).

Sources: RFC 9110 section 7.6.3 (Via); RFC 9112 sections 3.2.2
(absolute-form), 6.1 (Transfer-Encoding beside Content-Length); Fly.io's "Request headers" page.
"""

from __future__ import annotations

from dataclasses import dataclass

import h11

from sim.streams.http.fields import (
    MAX_HEAD,
    Headers,
    RefusedError,
    check_framing,
    end_to_end,
    origin_form,
    switched,
    upgrade_of,
    values,
)

# Which region's which machine answered: clients attribute any gateway's answers by these.
SIM_REGION = "sim-region"
SIM_MACHINE = "sim-machine"
REQUEST_ID = b"Fly-Request-Id"

_SET_ON_REQUEST = frozenset(
    {
        b"fly-client-ip",
        b"fly-region",
        b"fly-forwarded-port",
        b"fly-request-id",
        b"fly-replay-src",
        b"fly-replay-failed",
        b"fly-preferred-instance-unavailable",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-forwarded-ssl",
    }
)
_SET_ON_ANSWER = frozenset({b"fly-request-id", b"server", b"sim-region", b"sim-machine"})


@dataclass(frozen=True)
class Visit:
    """Who asks, where: what one client connection contributes to its requests' headers."""

    client: str
    address: str
    port: int
    region: str
    secure: bool = False


def check(request: h11.Request) -> None:
    """Refuse what cannot go on to a machine, and what is too long. Raises RefusedError."""
    length = sum(len(key) + len(value) + 4 for key, value in request.headers)
    if length + len(request.target) > MAX_HEAD:
        raise RefusedError(431, f"a head of more than {MAX_HEAD} bytes")
    check_framing(request)
    if request.method == b"CONNECT":
        raise RefusedError(501, "CONNECT is not offered here")


def secured(request: h11.Request, visit: Visit) -> bytes:
    """The https URL of what a plain request asked for, at the port it asked (80: at 443)."""
    target, host = origin_form(request)
    if host is None:
        named = [value for key, value in request.headers if key == b"host"]
        host = named[0] if named else visit.address.encode()
    return b"https://" + host.removesuffix(b":80") + (target if target[:1] == b"/" else b"/")


def for_machine(
    request: h11.Request, visit: Visit, request_id: bytes, more: Headers = ()
) -> h11.Request:
    """The request as the machine gets it, with `more` headers of the edge's."""
    target, host = origin_form(request)
    upgrade = upgrade_of(request)
    kept = [
        (key, host if key.lower() == b"host" and host is not None else value)
        for key, value in end_to_end(request.headers.raw_items())
        if key.lower() not in _SET_ON_REQUEST
    ]
    forwarded = [value for key, value in kept if key.lower() == b"x-forwarded-for"]
    chain = [*forwarded, visit.client.encode(), visit.address.encode()]
    kept = [(key, value) for key, value in kept if key.lower() != b"x-forwarded-for"]
    if not any(key.lower() == b"host" for key, _ in kept):
        kept.insert(0, (b"Host", visit.address.encode()))  # HTTP/1.0 may leave it out
    if values(request.headers, b"transfer-encoding"):
        kept.append((b"Transfer-Encoding", b"chunked"))
    port = str(visit.port).encode()
    kept += [
        (b"Fly-Client-IP", visit.client.encode()),
        (b"Fly-Region", visit.region.encode()),
        (b"Fly-Forwarded-Port", port),
        (REQUEST_ID, request_id),
        (b"X-Forwarded-For", b", ".join(chain)),
        (b"X-Forwarded-Proto", b"https" if visit.secure else b"http"),
        (b"X-Forwarded-Port", port),
        (b"X-Forwarded-SSL", b"on" if visit.secure else b"off"),
        (b"Via", request.http_version + b" fly.io"),
        *more,
    ]
    if upgrade:
        kept += [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade)]
    else:
        # A connection of its own for each request, as Fly has it for concurrency "connections".
        kept.append((b"Connection", b"close"))
    return h11.Request(method=request.method, target=target, headers=kept)


def for_client(
    fields: Headers, region: str, machine: str | None, request_id: bytes, *, upgrade: bool = False
) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as the client gets it; `upgrade` for 101."""
    replaced = _SET_ON_ANSWER
    if values(fields, b"transfer-encoding"):
        replaced |= {b"content-length"}  # RFC 9112 6.3: the encoding overrides it
    kept = [(key, value) for key, value in end_to_end(fields) if key.lower() not in replaced]
    if upgrade:
        kept += switched(fields)
    kept += [
        (b"Server", b"Fly/sim"),
        (b"Via", b"1.1 fly.io"),
        (REQUEST_ID, request_id),
        (SIM_REGION.encode(), region.encode()),
    ]
    if machine is not None:
        kept.append((SIM_MACHINE.encode(), machine.encode()))
    return kept
