"""The boundaries of a session: the moments between two of its steps at which a machine can die.

A message's way to its acknowledgement has no steps that a client could see (received, stored,
acknowledged), so it is cut into parts of the time that it takes undisturbed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.observe.events import Acked, Connected, Event, Sent, SessionReady

# The message at which the session is cut: the ones before it are what a gateway could forget.
TURN = 3
# Of the undisturbed time from sending to acknowledgement.
_WAY = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Moment:
    """The `count`-th event of a kind on one connection, and a delay after it.

    The delay is in shares of the undisturbed time from sending to acknowledgement (`ways`), and of
    the pause between an acknowledgement and the next message (`pauses`).
    """

    event: type[Event]
    count: int = 1
    ways: float = 0.0
    pauses: float = 0.0


@dataclass(frozen=True)
class Boundary:
    """A moment at which the machine that serves the session is killed.

    With `resuming` the machine was killed once before, at an idle moment, and it is the machine on
    which the session is taken up again that dies now.
    """

    name: str
    moment: Moment
    resuming: bool = False


# Early in the pause: on another machine an acknowledgement may take longer, the pause less.
_IDLE = 0.25
IDLE = Moment(Acked, TURN, pauses=_IDLE)


def boundaries() -> list[Boundary]:
    """All of them, in the order of a session's life."""
    first = [
        Boundary("connected", Moment(Connected)),
        Boundary("ready", Moment(SessionReady)),
        *(_on_its_way(share, TURN) for share in _WAY),
        Boundary("acknowledged", Moment(Acked, TURN)),
        Boundary("idle", IDLE),
    ]
    again = [
        Boundary("resuming, connected", Moment(Connected), resuming=True),
        Boundary("resuming, ready", Moment(SessionReady), resuming=True),
        *(_on_its_way(share, 1, resuming=True) for share in _WAY),
        Boundary("resumed, acknowledged", Moment(Acked), resuming=True),
        Boundary("resumed, idle", Moment(Acked, 1, pauses=_IDLE), resuming=True),
    ]
    return first + again


def _on_its_way(share: float, turn: int, *, resuming: bool = False) -> Boundary:
    text = f"sent, {share:.0%} of the way to its ack" if share else "sent"
    prefix = "resumed, " if resuming else ""
    return Boundary(prefix + text, Moment(Sent, turn, share), resuming=resuming)
