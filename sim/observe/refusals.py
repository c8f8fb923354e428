"""What clients asked for and were not served, from the events of a run. Pure.

Connections that were refused or on which nobody was let in, messages that were refused, and
messages that were left unanswered when their connection ended.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from sim.observe.client_names import location_of
from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    Failed,
    Sent,
    SessionReady,
)


@dataclass(frozen=True)
class Refusal:
    """A client's connection or message that was not served: by whom, if somebody, and why.

    `sent_s` is when a message was sent that was left unanswered.
    """

    client: str
    region: str | None
    reason: str
    sent_s: float | None = None

    @property
    def location(self) -> str:
        """Where the client is."""
        return location_of(self.client)

    @property
    def kind(self) -> RefusalKind:
        """What it has in common with those of other clients."""
        return RefusalKind(self.location, self.region, self.reason)


@dataclass(frozen=True)
class RefusalKind:
    """From where, by which region, if any, and why clients were not served."""

    location: str
    region: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.location} → {self.region or 'nowhere'}: {self.reason}"


def refusals(events: Sequence[tuple[float, Event]], end: float) -> Sequence[tuple[float, Refusal]]:
    """Every attempt that was not served, in order: refused, or unanswered at an end.

    A connection is none of its own where all that failed on it is a message. A message that goes
    out again on the next connection is another attempt. `end` is that of what can be judged.
    """
    of: dict[type[Event], list[tuple[float, Event]]] = defaultdict(list)
    for t, event in events:
        of[type(event)].append((t, event))
    found: list[tuple[float, Refusal]] = []
    told: dict[str, str] = {}  # why a client's last message was refused, until it goes on
    # Of one instant a message comes before what became of it.
    attempts = chain(of[Sent], of[Failed], of[ConnectFailed], _shut_out(events))
    for t, event in sorted(attempts, key=lambda pair: pair[0]):
        match event:
            case Sent():
                told.pop(event.client, None)
            case Failed():
                told[event.client] = event.reason
                reason = _without(event.seq, event.reason)
                found.append((t, Refusal(event.client, event.region, reason)))
            case ConnectFailed() | Disconnected() if told.get(event.client) != event.reason:
                found.append((t, Refusal(event.client, event.region, event.reason)))
    return sorted([*found, *_unanswered(events, end)], key=lambda pair: pair[0])


def _shut_out(events: Sequence[tuple[float, Event]]) -> Iterator[tuple[float, Disconnected]]:
    """The connections on which a client was never let in.

    They ended, and the client did not end them, before it had said or been told anything.
    """
    waiting: set[str] = set()
    for t, event in events:
        if isinstance(event, Connected):
            waiting.add(event.client)
        elif isinstance(event, Sent | SessionReady | Acked):
            waiting.discard(event.client)
        elif isinstance(event, Disconnected) and event.client in waiting:
            waiting.discard(event.client)
            if not event.expected:
                yield t, event


def _unanswered(
    events: Sequence[tuple[float, Event]], end: float
) -> Iterator[tuple[float, Refusal]]:
    """The messages that waited for an answer when their connection ended, one by one."""
    sent_s: dict[str, list[float]] = defaultdict(list)
    for t, event in events:
        if isinstance(event, Sent):
            sent_s[event.client].append(t)
    for t, e in events:
        if isinstance(e, Disconnected) and not e.expected and t <= end:
            sent = sent_s[e.client]
            before = sent[: bisect_right(sent, t)]
            times: list[float | None] = [*before[max(0, len(before) - e.unanswered) :]]
            times += [None] * (e.unanswered - len(times))
            for at in times:
                yield t, Refusal(e.client, e.region, f"unanswered: {e.reason}", at)


def _without(seq: int, reason: str) -> str:
    """Why a message was refused, in words that are the same for every message."""
    return re.sub(rf"(?<![0-9]){seq}(?![0-9])", "N", reason)
