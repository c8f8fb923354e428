"""What aiohttp's servers complain of: defects of ours, not what clients send or leave unsaid."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_OF_CLIENTS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, _OF_CLIENTS)


def logger(name: str) -> logging.Logger:
    """A logger for a server of that name. A malformed request is its sender's mistake."""
    found = logging.getLogger(name)
    found.addFilter(_is_ours)
    return found
