"""What clients do and see."""

from __future__ import annotations

from dataclasses import dataclass

from sim.observe.events.event import Event


@dataclass(frozen=True)
class ClientMade(Event):
    """A client of the load, and the personality of its resolver (`strict`, `pinned`, …)."""

    kind = "client_made"
    client: str
    location: str
    resolver: str


@dataclass(frozen=True)
class Resolved(Event):
    """A client holds this answer now, until `expires` (None: for good).

    `region` is None when the name could not be resolved; `error` then says why. Only a fresh
    answer is journaled, not each use of the cached one. `stale`: it had expired, and is used again
    because nothing newer could be had (RFC 8767).
    """

    kind = "resolved"
    client: str
    location: str
    region: str | None
    address: str | None
    expires: float | None
    error: str | None = None
    stale: bool = False


@dataclass(frozen=True)
class ConnectFailed(Event):
    """A client tried to connect and did not get through.

    `machine` is the one that turned it down, where one did, and `status` what it answered.
    """

    kind = "connect_failed"
    client: str
    location: str
    region: str | None
    reason: str
    machine: str | None = None
    status: int | None = None


@dataclass(frozen=True)
class Connected(Event):
    """A client's connection stands, and this machine answers it."""

    kind = "connected"
    client: str
    location: str
    region: str
    machine: str


@dataclass(frozen=True)
class Disconnected(Event):
    """A client's connection ended. `expected` where the load was over and the client closed it.

    `how` it ended: closed (a close frame came, with this `code` and `close_reason`), broken (it
    ended without one, which is code 1006 for a WebSocket), goodbye (the gateway said by a message
    that it goes away, and the client left), left (the client gave it up, or its driver did), or
    empty in journals that do not say it. `unanswered` are the messages of this connection that
    waited for an answer then. A driver may keep an end to itself for a while: `told_after_s`.
    """

    kind = "disconnected"
    client: str
    location: str
    region: str
    machine: str
    reason: str
    expected: bool = False
    how: str = ""
    code: int | None = None
    close_reason: str = ""
    unanswered: int = 0
    told_after_s: float = 0.0


@dataclass(frozen=True)
class SessionReady(Event):
    """The gateway took a session up: new, or known to it.

    `acked` is the last message the gateway says it holds, `remembered` the last one it had
    acknowledged to this client. acked < remembered: the gateway forgot.
    """

    kind = "session_ready"
    client: str
    session: str
    region: str
    machine: str
    resumed: bool
    acked: int
    remembered: int


@dataclass(frozen=True)
class Sent(Event):
    """A client sent a message (Jepsen's invoke). `attempt` counts from 1 for each message."""

    kind = "sent"
    client: str
    session: str
    seq: int
    attempt: int = 1


@dataclass(frozen=True)
class Acked(Event):
    """The gateway acknowledged a message (ok)."""

    kind = "acked"
    client: str
    session: str
    seq: int
    region: str
    machine: str
    latency_ms: float


@dataclass(frozen=True)
class Failed(Event):
    """The gateway refused a message for certain (fail): an error answer, nothing kept.

    `status` is that of the HTTP answer, where it was one.
    """

    kind = "failed"
    client: str
    session: str
    seq: int
    region: str | None
    reason: str
    status: int | None = None


@dataclass(frozen=True)
class Unknown(Event):
    """The client stopped waiting for a message's answer: its fate cannot be known here (info)."""

    kind = "unknown"
    client: str
    session: str
    seq: int
