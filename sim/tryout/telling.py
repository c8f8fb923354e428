"""Overhears a client's HTTP and WebSockets, and tells each thing that is said in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import WSMsgType

from sim.clients.websocket import Wire

Tell = Callable[[str], object]
_LONGEST = 160


def shown(said: str | bytes) -> str:
    """A message in a line: text as it is, bytes in hexadecimal."""
    text = said if isinstance(said, str) else f"[{bytes(said).hex(' ')}]"
    text = text.replace("\n", "\\n")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def telling_wire(tell: Tell, means: Callable[[str | bytes], str]) -> type[Wire]:
    """A WebSocket that tells what goes over it; `means` says what is heard is to the driver."""

    class TellingWire(Wire):
        async def send_str(self, data: str, compress: int | None = None) -> None:
            tell(f"→ {shown(data)}")
            await super().send_str(data, compress)

        async def send_bytes(self, data: bytes, compress: int | None = None) -> None:
            tell(f"→ {shown(data)}")
            await super().send_bytes(data, compress)

        async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:  # noqa: ASYNC109 - aiohttp's
            message = await super().receive(timeout)
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                tell(f"← {shown(message.data)}{means(message.data)}")
            elif message.type is WSMsgType.CLOSE:
                tell(f"← close {message.data or 'without a code'} {message.extra or ''}".rstrip())
            return message

    return TellingWire


def telling_http(tell: Tell) -> aiohttp.TraceConfig:
    """Tells each request and its answer; a WebSocket begins with one too."""

    async def asked(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
        upgrade = params.headers.get("Upgrade", "").lower() == "websocket"
        tell(f"→ {'WebSocket' if upgrade else params.method} {params.url.raw_path_qs}")

    async def said(_: Any, __: Any, params: aiohttp.TraceRequestChunkSentParams) -> None:
        if params.chunk:
            tell(f"  {_body(params.chunk)}")

    async def answered(_: Any, __: Any, params: aiohttp.TraceRequestEndParams) -> None:
        tell(f"← {params.response.status} {params.response.reason}")

    async def heard(_: Any, __: Any, params: aiohttp.TraceResponseChunkReceivedParams) -> None:
        if params.chunk:
            tell(f"  {_body(params.chunk)}")

    config = aiohttp.TraceConfig()
    config.on_request_start.append(asked)
    config.on_request_chunk_sent.append(said)
    config.on_request_end.append(answered)
    config.on_response_chunk_received.append(heard)
    return config


def _body(chunk: bytes) -> str:
    return shown(chunk.decode("utf-8", "replace"))
