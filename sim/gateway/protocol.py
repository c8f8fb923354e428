"""The session protocol, one connection at a time: what a frame means is decided here, purely.

server: {"type": "ready", "session": ID, "region": R, "machine": M, "acked": N}
client: {"type": "message", "seq": n, "body": "…"}, n from N + 1 on
server: {"type": "ack", "seq": n}, after the commit
server: {"type": "going_away"} before it closes with 1001
server: {"type": "error", "message": "…"} before it closes with 1008
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

MAX_FRAME = 1 << 20
_SESSION_ID = re.compile(r"[A-Za-z0-9._:/~-]{1,128}")

GOING_AWAY = '{"type": "going_away"}'


class ProtocolError(Exception):
    """The client broke the protocol: it is told so, and the connection closed with 1008."""


@dataclass(frozen=True)
class Message:
    """What a client wants stored."""

    seq: int
    body: str


def parse(frame: str) -> Message:
    """Read a client's frame. Raises ProtocolError."""
    try:
        data = json.loads(frame)
    except ValueError as error:
        raise ProtocolError("a frame must be JSON") from error
    if not isinstance(data, dict) or data.get("type") != "message":
        raise ProtocolError('a frame must be an object with "type": "message"')
    seq, body = data.get("seq"), data.get("body")
    if type(seq) is not int or not 1 <= seq < 1 << 63:
        raise ProtocolError('"seq" must be an integer from 1 on')
    # PostgreSQL's text holds every character except this one, and no half of a surrogate pair.
    if not isinstance(body, str) or "\0" in body or not _encodable(body):
        raise ProtocolError('"body" must be a string of Unicode characters other than NUL')
    return Message(seq, body)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def valid_id(session: str) -> bool:
    """Whether this can name a session."""
    return _SESSION_ID.fullmatch(session) is not None


class Sequence:
    """Which seq may come next in one connection: no gaps, and repeats are welcome."""

    def __init__(self, acked: int, *, strict: bool) -> None:
        self._next = acked + 1
        self._strict = strict

    def take(self, seq: int) -> None:
        """Accept a seq. Raises ProtocolError for one that leaves a gap, where that is strict."""
        if seq > self._next and self._strict:
            raise ProtocolError(f"seq {seq} leaves a gap: expected {self._next}")
        self._next = max(self._next, seq + 1)


def ready(session: str, region: str, machine: str, acked: int) -> str:
    """The first frame of a session."""
    return json.dumps(
        {"type": "ready", "session": session, "region": region, "machine": machine, "acked": acked}
    )


def ack(seq: int) -> str:
    """The frame that says that a message is stored."""
    return f'{{"type": "ack", "seq": {seq}}}'


def error(message: str) -> str:
    """The frame that says what was wrong."""
    return json.dumps({"type": "error", "message": message})
