"""What was said between a client and its gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Message:
    """One message on a WebSocket; bytes where it was binary."""

    by: Literal["client", "gateway"]
    data: str | bytes


@dataclass
class Connection:
    """A WebSocket from its handshake on. `path` has its query."""

    path: str
    subprotocol: str | None = None
    messages: list[Message] = field(default_factory=list)

    @property
    def conversed(self) -> bool:
        """Whether both sides said something."""
        return len({message.by for message in self.messages}) == 2


@dataclass(frozen=True)
class Exchange:
    """An HTTP request and its answer."""

    method: str
    path: str
    body: str
    status: int
    answer: str


@dataclass
class Transcript:
    """HTTP before the first WebSocket, and the WebSockets in their order."""

    exchanges: list[Exchange] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
