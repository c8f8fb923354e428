"""When a client left a gateway alone that owed it nothing: such time is its driver's own. Pure.

Its connection stood, it had been served on it, and nothing that it had sent waited for an answer.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    Failed,
    Sent,
    SessionReady,
    Unknown,
)
from sim.observe.events.event import Event


class _Client:
    """One client's: its stretches of idleness, the one that lasts, and what waits."""

    def __init__(self, pace_s: float) -> None:
        self.began: list[float] = []
        self.ended: list[float] = []
        self._pace_s = pace_s
        self._sends = False  # whether it is told what is sent
        self._served = False
        self._waiting: set[tuple[str, int]] = set()

    def take(self, t: float, event: Event) -> None:
        match event:
            case Connected() | Disconnected() | ConnectFailed():
                self._served = False
                self._waiting.clear()
            case Sent():
                self._sends = True
                self._waiting.add((event.session, event.seq))
            case Acked() | Failed() | Unknown():
                # Who was refused, or got no answer, is owed one until it is served again.
                self._served = isinstance(event, Acked) and self._sends
                self._waiting.discard((event.session, event.seq))
            case SessionReady():
                self._served |= self._sends
        lasts = len(self.began) > len(self.ended)
        idle = self._served and not self._waiting
        if idle and not lasts:
            self.began.append(t)
        elif lasts and not idle:
            if t - self.began[-1] > self._pace_s:
                self.ended.append(t)
            else:  # there is one after each answer, and it is its client's pace
                self.began.pop()


class Idleness:
    """That of all clients beyond their pace, as far as it was told, in the order of time."""

    kinds: tuple[type[Event], ...] = (
        *(Connected, Disconnected, ConnectFailed),
        *(SessionReady, Sent, Acked, Failed, Unknown),
    )

    def __init__(self, pace_s: float, told: Iterable[tuple[float, Event]]) -> None:
        self.pace_s = pace_s
        self._clients: dict[str, _Client] = defaultdict(partial(_Client, pace_s))
        for t, event in told:
            self._clients[getattr(event, "client")].take(t, event)  # noqa: B009 - all have one

    def __repr__(self) -> str:
        return f"<Idleness of {len(self._clients)} clients>"

    def beyond_s(self, client: str, from_s: float, to_s: float) -> float:
        """For how long of a time a client was idle, each time beyond its pace."""
        found, idle_s = self._clients[client], 0.0
        for at in range(bisect_left(found.ended, from_s), len(found.began)):
            began = found.began[at]
            if began >= to_s:
                break
            ended = found.ended[at] if at < len(found.ended) else math.inf
            idle_s += max(0.0, min(ended, to_s) - max(began, from_s) - self.pace_s)
        return idle_s
