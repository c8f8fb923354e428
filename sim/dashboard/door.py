"""How a browser comes to the page: by a key that opens once, then by a cookie no script can see.

The key is in the address that `sim up` prints. It is spent when it is used, so what stays in a
browser's history opens nothing. What the cookie holds is no token of the world, is worth nothing
on another one, and ends with the world.
"""

from __future__ import annotations

import secrets
from collections import deque

from aiohttp import web

COOKIE = "sim_page"
_MOST = 64  # keys not used yet, and browsers let in; the oldest give way


class Door:
    """Gives out keys, lets browsers in for them, and knows them again."""

    def __init__(self) -> None:
        self._keys: deque[str] = deque(maxlen=_MOST)
        self._visitors: deque[str] = deque(maxlen=_MOST)

    def __repr__(self) -> str:
        return f"<Door {len(self._visitors)} browsers let in, {len(self._keys)} keys out>"

    def key(self) -> str:
        """A new key, good for one browser."""
        key = secrets.token_urlsafe(24)
        self._keys.append(key)
        return key

    def enter(self, key: str) -> str | None:
        """What to remember a browser by that has this key; None for a wrong one, or a spent one."""
        if not _holds(self._keys, key):
            return None
        self._keys.remove(key)
        visitor = secrets.token_urlsafe(24)
        self._visitors.append(visitor)
        return visitor

    def admits(self, request: web.Request) -> bool:
        """Whether a request comes from a browser that was let in.

        What changes anything must also name its page's origin, which the server compares with its
        own: browsers add that to whatever a page sends, and no page can leave it out.
        """
        if request.method not in ("GET", "HEAD") and "Origin" not in request.headers:
            return False
        return _holds(self._visitors, request.cookies.get(COOKIE, ""))


def _holds(known: deque[str], given: str) -> bool:
    """Whether one of these is the given one, in a time that tells nothing of them."""
    found = False
    for one in known:
        found |= secrets.compare_digest(one.encode(), given.encode())
    return found
