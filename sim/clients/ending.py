"""How a connection ended, as drivers are told: by the gateway's close, or by what it said."""

from __future__ import annotations

from typing import Final

# RFC 6455, 7.4.1: a close frame without a code, and an end without a close frame.
NO_CODE: Final = 1005
NO_CLOSE_FRAME: Final = 1006


class ConnectionOverError(Exception):
    """A driver's ordinary end of a connection that the gateway ended: its text is the reason."""


class ConnectionClosedError(ConnectionOverError):
    """The other side has ended the connection: a WebSocket's close code, and the reason with it.

    `code` is 1006 where there was no close frame, and 1005 where there was no code in it.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(_in_words(code, reason))
        self.code = code
        self.reason = reason


def _in_words(code: int, reason: str) -> str:
    if code == NO_CLOSE_FRAME:
        return f"the connection broke: {reason}" if reason else _SILENT
    said = f" ({reason})" if reason else ""
    return f"closed without a code{said}" if code == NO_CODE else f"closed with code {code}{said}"


_SILENT = "the connection ended without a close frame"
