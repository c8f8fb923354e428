"""Which URLs a driver may ask for: the gateway's, and what is said of any other."""

from __future__ import annotations

import re
from types import SimpleNamespace

import aiohttp

from sim.errors import InputError

_WITH_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# What a variable that was never set leaves in a path: a segment, a value or a field of its own.
_NONE = re.compile(r"[/=,:]None(?=$|[/?&#,:])")


def checked_path(path: object) -> str:
    """A path of the gateway, as it stands. Raises InputError, which says how to write it."""
    if not isinstance(path, str):
        raise InputError(f"found {path!r} for a path; write text, such as `/live`")
    if _WITH_SCHEME.match(path):
        raise InputError(
            f"found `{path}`; a client reaches the gateway alone, so write the path alone, such as"
            ' `client.websocket("/live")`'
        )
    if not path.startswith("/"):
        raise InputError(f"found `{path}`; a path begins with a slash: `/{path}`")
    if _NONE.search(path):
        raise InputError(f"found `{path}`: what was put into it is None; was it never set?")
    return path


def only_to(hostname: str) -> aiohttp.TraceConfig:
    """Watches a client's own HTTP requests: InputError for one that is not to the gateway.

    Where the gateway redirects to is its own business.
    """

    async def begins(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        asked: aiohttp.TraceRequestStartParams,
    ) -> None:
        url = asked.url
        if url.host == hostname:
            checked_path(url.path_qs)
            return
        call = f"client.http.{asked.method.lower()}"
        right = f'`{call}(client.url("{url.path_qs}"))`'
        if url.host is None:
            raise InputError(f"found the URL `{url}`, which names no gateway; write {right}")
        raise InputError(f"found the URL `{url}`; a client reaches the gateway alone: {right}")

    watch = aiohttp.TraceConfig()
    watch.on_request_start.append(begins)
    return watch
