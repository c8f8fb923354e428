"""A client's HTTP requests as they begin and end, those of its driver's own `client.http` too."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp


def watch_exchanges(
    begins: Callable[[], object],
    answers: Callable[[], object],
    fails: Callable[[int | None], object],
) -> aiohttp.TraceConfig:
    """Tell when a request begins, and then once whether it was answered or has failed.

    An answer of a gateway that is in trouble (5xx), or of an edge in its place, is a failure with
    that status.
    """

    async def begun(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _asked: aiohttp.TraceRequestStartParams,
    ) -> None:
        begins()

    async def answered(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        answer: aiohttp.TraceRequestEndParams,
    ) -> None:
        status = answer.response.status
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            fails(status)
        else:
            answers()

    async def failed(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _failure: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        fails(None)

    watch = aiohttp.TraceConfig()
    watch.on_request_start.append(begun)
    watch.on_request_end.append(answered)
    watch.on_request_exception.append(failed)
    return watch
