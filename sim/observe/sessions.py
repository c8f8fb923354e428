"""What became of the sessions of a run. Pure.

A session is interrupted when its client's connection ends and the client did not end it. What
follows decides: the gateway takes it up again (resumed), or has forgotten of it (broken); the
driver begins a new one instead (replaced), as a protocol without resumption does; the gateway turns
the client down again and again (unresumed). A client that is on its way back when the load ends, in
its backoff or connecting, shows nothing (pending).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

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
from sim.observe.history import History, Timed
from sim.observe.promised import Promised

# A machine that is killed in the middle of one resumption has not turned the session down.
_TURNED_DOWN = 2


@dataclass
class Sessions:
    """The sessions of a run, or of a part of it.

    `opened` counts new ones that replace none. `unresumed` are clients, and `pending` has since
    when each of those has been on its way back. `mistakes` are drivers', of what they remember:
    what follows from those sessions is not known.
    """

    opened: int = 0
    resumed: int = 0
    replaced: int = 0
    broken: list[Timed[SessionReady]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    unresumed: list[str] = field(default_factory=list)
    pending: dict[str, float] = field(default_factory=dict)


def count(history: History, from_s: float = -math.inf, until_s: float = math.inf) -> Sessions:
    """Sum up what happened to sessions in a time: those interrupted then, those taken up then."""
    lives: dict[str, _Life] = {}
    for _, ready in history.sessions:
        lives.setdefault(ready.client, _Life(ready.client, from_s, until_s))
    for t, event in history.among(*_ORDER):
        if life := lives.get(getattr(event, "client", "")):
            life.tell(t, event)
    found = Sessions()
    for life in lives.values():
        life.end(found)
    found.broken.sort(key=lambda pair: pair[0])
    return found


class _Life:
    """One client's sessions, event by event. `cut_s`: since when the last one is interrupted."""

    def __init__(self, client: str, from_s: float, until_s: float) -> None:
        self._found = Sessions()
        self._client = client
        self._at_once: list[Timed[Event]] = []  # what is told of one instant
        self._from_s, self._until_s = from_s, until_s
        self._stands = False
        self._cut_s: float | None = None
        self._connected = False
        self._turned_down = 0
        self._promised: dict[str, Promised] = {}  # by session

    def tell(self, t: float, event: Event) -> None:
        """Take an event in, in its place among those of the same instant."""
        if self._at_once and self._at_once[0][0] < t:
            self._take_all()
        self._at_once.append((t, event))

    def _take_all(self) -> None:
        for t, event in sorted(self._at_once, key=lambda pair: _ORDER[type(pair[1])]):
            self._take(t, event)
        self._at_once.clear()

    def _take(self, t: float, event: Event) -> None:
        match event:
            case SessionReady():
                self._ready(t, event)
            case Connected():
                self._connected = True
            case ConnectFailed():
                self._turned_down = self._turned_down + 1 if event.machine else 0
            case Disconnected():
                self._down(t, event)
            case Sent():
                self._of(event.session).sent(event.seq)
            case Acked():
                self._of(event.session).acked(event.seq)
            case Failed():
                self._of(event.session).refused(event.seq)

    def _of(self, session: str) -> Promised:
        return self._promised.setdefault(session, Promised())

    def _ready(self, t: float, ready: SessionReady) -> None:
        forgot = ready.acked < ready.remembered
        known = ready.session in self._promised
        promised = self._of(ready.session)
        mistake = promised.mistake(ready)
        promised.highest = max(promised.highest, ready.acked)
        if self._from_s <= t < self._until_s:
            if mistake:
                self._found.mistakes.append(mistake)
            elif forgot:
                self._found.broken.append((t, ready))
            elif ready.resumed and (known or self._cut_s is None):
                self._found.resumed += 1
            elif self._cut_s is not None:
                self._found.replaced += 1
            else:
                self._found.opened += 1
        # One that is forgotten is over: what follows is another.
        self._stands, self._cut_s, self._turned_down = not forgot, None, 0

    def _down(self, t: float, down: Disconnected) -> None:
        if self._stands and not down.expected:
            self._cut_s, self._turned_down = t, 0
        elif self._cut_s is not None and self._connected:
            self._turned_down += not down.expected
        self._stands = self._connected = False

    def end(self, found: Sessions) -> None:
        """The load is over: add what was found of this client."""
        self._take_all()
        found.opened += self._found.opened
        found.resumed += self._found.resumed
        found.replaced += self._found.replaced
        found.broken += self._found.broken
        found.mistakes += self._found.mistakes
        if self._cut_s is None or not self._from_s <= self._cut_s < self._until_s:
            return
        if self._turned_down >= _TURNED_DOWN:
            found.unresumed.append(self._client)
        else:
            found.pending[self._client] = self._cut_s


# At one instant a connection stands before its session does, and ends before the next begins.
_ORDER: Mapping[type[Event], int] = {
    Disconnected: 0,
    ConnectFailed: 1,
    Connected: 2,
    SessionReady: 3,
    Sent: 4,
    Acked: 5,
    Failed: 5,
}
