"""How a connection ended, as drivers are told: by the gateway's close, or by what it said."""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

# RFC 6455, 7.4.1: a close frame without a code, and an end without a close frame.
NO_CODE: Final = 1005
NO_CLOSE_FRAME: Final = 1006


_MOST_TOLD = 10_000


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


class EndIgnored(BaseException):
    """A driver goes on with a connection although it was told that it has ended.

    No Exception, as SystemExit is none: what caught the end would catch this too.
    """


class Telling:
    """Tells a driver of its connection's end, again and again, but not for ever."""

    def __init__(self) -> None:
        self._told = 0

    async def raises(self, end: Exception) -> NoReturn:
        """Raise the end, or EndIgnored where only a loop that never waits can have come so far."""
        await asyncio.sleep(0)  # noqa: TID251 - who asks again at once must not stop the world
        self._told += 1
        if self._told > _MOST_TOLD:
            raise EndIgnored(f"goes on although it was told: {end}")
        raise end


def _in_words(code: int, reason: str) -> str:
    if code == NO_CLOSE_FRAME:
        return f"the connection broke: {reason}" if reason else _SILENT
    said = f" ({reason})" if reason else ""
    return f"closed without a code{said}" if code == NO_CODE else f"closed with code {code}{said}"


_SILENT = "the connection ended without a close frame"
