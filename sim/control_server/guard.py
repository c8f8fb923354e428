"""Who may ask the control server: who has the world's token, and no web page but the world's own.

A page elsewhere could have a browser send requests here, or have a name of its own lead here (DNS
rebinding). So the Host must be an address or `localhost`, which nobody else's name is, and an
Origin, where there is one, must be this very server.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TypeVar

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Admission = Callable[[web.Request], bool]
H = TypeVar("H", bound=Callable[..., Awaitable[web.StreamResponse]])

_SCHEMES = ("bearer", "flyv1")  # Fly's clients write the one or the other
_OPEN = "_open_to_all"


def open_to_all(handler: H) -> H:
    """Mark a route's handler as answering without a token. It must change nothing."""
    setattr(handler, _OPEN, True)
    return handler


class Guard:
    """Refuses, before any handler is called, what must not be answered."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._others: list[Admission] = []

    def admit_also(self, admission: Admission) -> None:
        """Let through without the token what this says may come."""
        self._others.append(admission)

    @web.middleware
    async def check(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Answer 403 to a foreign page, 401 to whoever lacks the token; else let it through."""
        if not _is_own_name(request.headers.get("Host")):
            return refused(403, "ask by address or as localhost: other names are refused")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            return refused(403, f"requests of pages of {origin} are refused")
        if not getattr(request.match_info.handler, _OPEN, False) and not self.admits(request):
            return refused(401, "no valid token")
        return await handler(request)

    def admits(self, request: web.Request) -> bool:
        """Whether a request has the token, or comes by another admission."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() in _SCHEMES and self.knows(given.strip()):
            return True
        return any(admission(request) for admission in self._others)

    def knows(self, given: str) -> bool:
        """Whether this is the token, compared in a time that tells nothing of it."""
        # Headers are bytes: what of them is no UTF-8 stands as surrogates in the text.
        said = given.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(said, self._token.encode())


def refused(status: int, why: str) -> web.Response:
    """An error in the shape that every part of the server has."""
    return web.json_response({"error": why}, status=status)


def _is_own_name(host: str | None) -> bool:
    """Whether a Host header names an address or localhost; a client without one is no browser."""
    if host is None:
        return True
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name == "localhost":
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
