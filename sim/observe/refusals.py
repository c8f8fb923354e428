"""What clients asked for and were not served, from the events of a run. Pure.

Connections that were refused or on which nobody was let in, messages that were refused, and
messages that were left unanswered when their connection ended.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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


def refusals(
    events: Sequence[tuple[float, Event]],
    ends: Sequence[tuple[float, Disconnected]],
    end: float,
) -> Sequence[tuple[float, Refusal]]:
    """Every attempt that was not served, in order: refused, or unanswered at an end.

    A connection is none of its own where all that failed on it is a message. A message that goes
    out again on the next connection is another attempt. `ends` are those of
    connections, `end` is that of what can be judged.
    """
    found: list[tuple[float, Refusal]] = []
    told: dict[str, str] = {}  # why a client's last message was refused, until it goes on
    # Of one instant a message comes before what became of it.
    attempts = [*_refused(events), *_shut_out(events)]
    for t, event in sorted(attempts, key=lambda pair: (pair[0], _ORDER[type(pair[1])])):
        match event:
            case Sent():
                told.pop(event.client, None)
            case Failed():
                told[event.client] = event.reason
                reason = _without(event.seq, event.reason)
                found.append((t, Refusal(event.client, event.region, reason)))
            case ConnectFailed() | Disconnected() if told.get(event.client) != event.reason:
                found.append((t, Refusal(event.client, event.region, event.reason)))
    return sorted([*found, *_unanswered(events, ends, end)], key=lambda pair: pair[0])


_ORDER: Mapping[type[Event], int] = {Sent: 0, Failed: 1, ConnectFailed: 2, Disconnected: 3}


def _refused(events: Sequence[tuple[float, Event]]) -> Iterator[tuple[float, Event]]:
    """What was refused, and of each client the message by which it went on."""
    refused_s: dict[str, float] = {}
    for t, event in events:
        if isinstance(event, Failed):
            refused_s[event.client] = t
        elif isinstance(event, Sent):
            if event.client not in refused_s:
                continue
            if t > refused_s[event.client]:
                del refused_s[event.client]
        elif not isinstance(event, ConnectFailed):
            continue
        yield t, event


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
    events: Sequence[tuple[float, Event]],
    ends: Sequence[tuple[float, Disconnected]],
    end: float,
) -> Iterator[tuple[float, Refusal]]:
    """The messages that waited for an answer when their connection ended, one by one."""
    ended = [(t, e) for t, e in ends if not e.expected and t <= end]
    due: dict[str, deque[int]] = defaultdict(deque)  # by client: which ends are to come
    most: Counter[str] = Counter()  # no more of a client's last messages are asked for
    for k, (_, down) in enumerate(ended):
        due[down.client].append(k)
        most[down.client] = max(most[down.client], down.unanswered)
    sent_s = {client: deque[float](maxlen=most[client]) for client in due}
    left: dict[int, list[float | None]] = {}
    for t, event in events:
        if isinstance(event, Sent) and (to_come := due.get(event.client)):
            while to_come and ended[to_come[0]][0] < t:
                left[to_come.popleft()] = [*sent_s[event.client]]
            sent_s[event.client].append(t)
    for client, to_come in due.items():
        left |= {k: [*sent_s[client]] for k in to_come}
    for k, (t, down) in enumerate(ended):
        times = left[k][max(0, len(left[k]) - down.unanswered) :]
        times += [None] * (down.unanswered - len(times))
        for at in times:
            yield t, Refusal(down.client, down.region, f"unanswered: {down.reason}", at)


def _without(seq: int, reason: str) -> str:
    """Why a message was refused, in words that are the same for every message."""
    return re.sub(rf"(?<![0-9]){seq}(?![0-9])", "N", reason)
