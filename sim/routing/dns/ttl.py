"""How long an answer may be kept: until the next health check that may change it, within bounds.

A fixed TTL makes a client keep a dead address for up to the whole of it after the failure was
found. An answer that ends when the next check is due costs as many questions in quiet times as a
TTL of about half the check's interval, and next to no time once a check has failed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping

from sim.clock import Clock
from sim.routing.dns.zone import View

_KEPT_S = 0.1  # simulated seconds for which an estimate is used again: TTLs are whole seconds


def bounded_ttl_s(remaining_s: float, lowest_s: float, highest_s: float) -> int:
    """The TTL of an answer that may change in so many seconds, in whole ones, rounded up.

    Rounded up, it ends after the check: who asks again then gets what the check has found.
    """
    return math.ceil(min(max(remaining_s, lowest_s, 0.0), highest_s))


class ShrinkingViews(Mapping[str | None, View]):
    """Views whose TTL shrinks as their end comes near; `ttl_s` says what a view's is now."""

    def __init__(
        self,
        views: Mapping[str | None, View],
        ttl_s: Callable[[View], int],
        clock: Clock,
    ) -> None:
        self._views = dict(views)
        self._ttl_s = ttl_s
        self._clock = clock
        self._estimated: dict[str | None, float] = {}

    def __getitem__(self, place: str | None) -> View:
        view, now = self._views[place], self._clock.now()
        if now < self._estimated.get(place, -math.inf) + _KEPT_S:
            return view
        self._estimated[place] = now
        ttl_s = self._ttl_s(view)
        if ttl_s != view.ttl_s:
            self._views[place] = view = dataclasses.replace(view, ttl_s=ttl_s, cache={})
        return view

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)
