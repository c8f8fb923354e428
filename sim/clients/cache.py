"""What a client's runtime remembers of DNS: one name's answer, kept by the runtime's habits.

    strict   the record's TTL, as a resolver library that does what it is told
    browser  at least 60 s: Chromium keeps an entry a minute even where the TTL is shorter
    jvm      30 s whatever the TTL: the JVM's networkaddress.cache.ttl without a SecurityManager
    pinned   for good: older JVMs with a SecurityManager, nginx without `resolver`, connection
             pools that never look a name up again

A failure is remembered for at most 5 s, so that no client outlives an outage by its own choice.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from sim.clients.dns import Answer, ResolveError
from sim.clients.spec import Personality
from sim.clock import Clock

_BROWSER_S = 60.0
_JVM_S = 30.0
_NEGATIVE_MAX_S = 5.0


def keeps_for_s(personality: Personality, ttl_s: float) -> float:
    """How many simulated seconds an answer with that TTL is used; infinity for ever."""
    if personality == "browser":
        return max(_BROWSER_S, ttl_s)
    if personality == "jvm":
        return _JVM_S
    return math.inf if personality == "pinned" else ttl_s


class DnsCache:
    """The answers of `lookup`, kept by personality. `on_fresh` hears of every new answer.

    It is told the name, the answer or the failure, and the instant (simulated) at which that
    expires: infinity for never.
    """

    def __init__(
        self,
        lookup: Callable[[str], Awaitable[Answer]],
        personality: Personality,
        clock: Clock,
        on_fresh: Callable[[str, Answer | ResolveError, float], None],
    ) -> None:
        self._lookup = lookup
        self._personality = personality
        self._clock = clock
        self._on_fresh = on_fresh
        self._kept: dict[str, tuple[Answer | ResolveError, float]] = {}

    async def resolve(self, name: str) -> tuple[str, ...]:
        """The addresses of a name, from memory while they are good. Raises ResolveError."""
        known = self._kept.get(name)
        if known is None or known[1] <= self._clock.now():
            known = self._kept[name] = await self._ask(name)
            self._on_fresh(name, *known)
        answer, _ = known
        if isinstance(answer, ResolveError):
            # A fresh instance each time: raising one object twice would grow its traceback.
            raise ResolveError(str(answer), answer.negative_ttl_s)
        return answer.addresses

    async def _ask(self, name: str) -> tuple[Answer | ResolveError, float]:
        try:
            answer = await self._lookup(name)
        except ResolveError as error:
            return error, self._clock.now() + min(_NEGATIVE_MAX_S, error.negative_ttl_s)
        return answer, self._clock.now() + keeps_for_s(self._personality, answer.ttl_s)
