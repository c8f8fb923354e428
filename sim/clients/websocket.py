"""A client's WebSocket, and words for how one ended."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from aiohttp import WSMsgType

_LONGEST_SHOWN = 80


class WebSocket(aiohttp.ClientWebSocketResponse):
    """A WebSocket that also shows the headers of the answer that opened it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the 101 answer."""
        return self._response.headers

    async def say(self, frame: str | bytes) -> None:
        """Send text as a text message, bytes as a binary one."""
        if isinstance(frame, str):
            await self.send_str(frame)
        else:
            await self.send_bytes(frame)

    def drop(self) -> None:
        """End the connection below it, without a word and without waiting."""
        self._response.close()


def describe(message: aiohttp.WSMessage) -> str:
    """What was received, for a person: how the connection ended, or the message."""
    if message.type is WSMsgType.CLOSE:
        reason = f" ({message.extra})" if message.extra else ""
        return f"closed with code {message.data}{reason}"
    if message.type in {WSMsgType.CLOSED, WSMsgType.CLOSING}:
        return "the connection ended without a close frame"
    if message.type is WSMsgType.ERROR:
        return f"the connection broke: {message.data or 'no reason'}"
    text = repr(message.data)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
