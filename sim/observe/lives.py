"""The life of every message, as the journal tells it: sent, answered, stored.

A message is one (session, number). A client's connections are counted by their ends, so that a
message sent again on the next connection, as delivery at least once has it, is told apart from one
sent again on the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sim.observe.events import Acked, ConnectFailed, Disconnected, Failed, Sent, Stored, Unknown
from sim.observe.history import History

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sending:
    """One time that a message went out. `place` is its place among all that was sent and answered.

    `acked_before` and `unanswered` say how the message stood then: acknowledged already, or sent
    on this very connection and waited for.
    """

    t: float
    place: int
    client: str
    connection: int
    acked_before: bool
    unanswered: bool


@dataclass(slots=True)
class Life:
    """What is known of one message. Times are seconds from the load's start."""

    sendings: list[Sending] = field(default_factory=list)
    acked_t: float | None = None
    acked_place: int | None = None
    acked_by: str | None = None
    refused: bool = False
    stored: int = 0
    stored_by: str | None = None
    waiting_on: int | None = None  # the connection on which it waits for an answer

    @property
    def client(self) -> str:
        """Who sent it first."""
        return self.sendings[0].client

    @property
    def sent_t(self) -> float:
        """When it went out first."""
        return self.sendings[0].t


def lives_of(history: History, sessions: Collection[str]) -> Mapping[Key, Life]:
    """Every message of these sessions that was sent, in the order of its first sending."""
    lives: dict[Key, Life] = {}
    connections: Counter[str] = Counter()
    kinds = (Sent, Acked, Failed, Unknown, Disconnected, ConnectFailed)
    for place, (t, event) in enumerate(history.among(*kinds)):
        match event:
            case Disconnected() | ConnectFailed():
                connections[event.client] += 1
            case Sent() if event.session in sessions:
                life = lives.setdefault((event.session, event.seq), Life())
                on = connections[event.client]
                waited_for = life.waiting_on == on and life.sendings[-1].client == event.client
                acked = life.acked_t is not None
                life.sendings.append(Sending(t, place, event.client, on, acked, waited_for))
                life.waiting_on = on
            case Acked() | Failed() | Unknown():
                if answered := lives.get((event.session, event.seq)):
                    _answer(answered, t, place, event)
    for _, stored in history.of(Stored):
        if kept := lives.get((stored.session, stored.seq)):
            kept.stored += 1
            kept.stored_by = kept.stored_by or stored.machine or None
    return lives


def _answer(life: Life, t: float, place: int, event: Acked | Failed | Unknown) -> None:
    life.waiting_on = None
    if isinstance(event, Failed):
        life.refused = True
    elif isinstance(event, Acked) and life.acked_t is None:
        life.acked_t, life.acked_place, life.acked_by = t, place, event.machine


def stored_by_session(
    history: History, sessions: Collection[str]
) -> Mapping[str, Sequence[Stored]]:
    """What is stored of each of these sessions, in the order of storing."""
    found: dict[str, list[Stored]] = {}
    for _, stored in history.of(Stored):
        if stored.session in sessions:
            found.setdefault(stored.session, []).append(stored)
    return found
