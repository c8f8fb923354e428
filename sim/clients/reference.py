"""A client's side of the reference gateway's session protocol (gateway/session.py has the other).

For the driver `session` and for tests that talk message by message.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from sim.clients.client import Client
from sim.clients.ending import ConnectionOverError
from sim.clients.websocket import WebSocket, describe


async def take_up(
    client: Client, socket: WebSocket, session: str, *, opened: bool, remembered: int
) -> int:
    """Wait until the gateway has taken the session up, and say so; the last message it holds.

    `opened`: it was open before. `remembered` is the last message acknowledged to the client.
    Raises ConnectionOverError where the gateway says something else.
    """
    message = await client.within(socket.receive())
    ready = _decode(message)
    if ready.get("type") != "ready":
        raise ConnectionOverError(f"expected ready, got {describe(message)}")
    acked = int(ready["acked"])
    client.session_ready(session, resumed=opened, acked=acked, remembered=remembered)
    return acked


def message_frame(seq: int, body: str) -> str:
    """The frame of a message."""
    return json.dumps({"type": "message", "seq": seq, "body": body}, separators=(",", ":"))


def acked_in(client: Client, message: aiohttp.WSMessage) -> int:
    """The number that the gateway acknowledges. Raises ConnectionOverError for anything else."""
    said = _decode(message)
    if said.get("type") == "ack":
        return int(said["seq"])
    if said.get("type") == "going_away":
        client.going_away()
        raise ConnectionOverError("the gateway is going away")
    raise ConnectionOverError(describe(message))


def _decode(message: aiohttp.WSMessage) -> dict[str, Any]:
    """What a text message says; empty for whatever is no JSON object."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        said = json.loads(message.data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
