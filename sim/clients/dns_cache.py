"""What a client's runtime remembers of DNS: one name's answer, kept by the runtime's habits.

    strict          the record's TTL, as a resolver library that does what it is told
    browser         at least 60 s: Chromium's host cache keeps an entry for a minute even where
                    the TTL is shorter (its getaddrinfo path has no TTL at all)
    jvm             30 s whatever the TTL: the JVM's networkaddress.cache.ttl without a
                    SecurityManager (java.net.InetAddress, "InetAddress Caching")
    pinned          for good: older JVMs with a SecurityManager, nginx without `resolver`,
                    connection pools that never look a name up again
    serve_stale     the TTL; and when the nameserver then gives no answer, or a failure, the
                    expired one for 30 s more, again and again for up to a day (RFC 8767: a
                    resolver between the client and the nameserver, such as Unbound or BIND)
    stale_first     the TTL; then the expired one at once, for up to an hour, and the nameserver is
                    asked behind it: what it says is for the next question (CoreDNS' `serve_stale`,
                    in its mode `immediate`)
    happy_eyeballs  the TTL; what differs is how it connects (see eyeballs.py, RFC 8305)

A failure is remembered for at most 5 s, so that no client outlives an outage by its own choice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from sim.clients.load_spec import Personality
from sim.clients.stub_resolver import Answer, ResolveError
from sim.clock import Clock

_BROWSER_S = 60.0
_JVM_S = 30.0
_NEGATIVE_MAX_S = 5.0

# RFC 8767, section 5: how long a client waits for news before it is told what is stale; the TTL
# of what is stale, which is also how soon the nameserver is asked again (the failure recheck
# timer); and how long an answer may be used after it has expired (1 to 3 days).
_STALE_AFTER_S = 1.8
_STALE_TTL_S = 30.0
_STALE_MAX_S = 86_400.0
_STALE_FIRST_MAX_S = 3600.0  # CoreDNS' default; the TTL of what it serves then is 0

# The TTL of what is served stale, and for how long it may be.
_STALE: Mapping[Personality, tuple[float, float]] = {
    "serve_stale": (_STALE_TTL_S, _STALE_MAX_S),
    "stale_first": (0.0, _STALE_FIRST_MAX_S),
}

Known = tuple[Answer | ResolveError, float]


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
        self._kept: dict[str, Known] = {}
        self._good: dict[str, tuple[Answer, float]] = {}  # the last answers, which may be stale
        self._refreshing: dict[str, asyncio.Task[None]] = {}

    async def resolve(self, name: str) -> tuple[str, ...]:
        """The addresses of a name, from memory while they are good. Raises ResolveError."""
        known = self._kept.get(name)
        if known is None or known[1] <= self._clock.now():
            if self._personality == "stale_first" and (stale := self._stale(name)):
                self._refresh(name)
                self._on_fresh(name, stale, self._clock.now())
                return stale.addresses
            known = await self._news(name)
        answer, _ = known
        if isinstance(answer, ResolveError):
            # A fresh instance each time: raising one object twice would grow its traceback.
            raise ResolveError(str(answer), answer.negative_ttl_s, denied=answer.denied)
        return answer.addresses

    async def close(self) -> None:
        """End what is asked behind the answers that were served stale."""
        refreshing = list(self._refreshing.values())
        for task in refreshing:
            task.cancel()
        await asyncio.gather(*refreshing, return_exceptions=True)

    def _refresh(self, name: str) -> None:
        """Ask for news, unless that is under way."""
        if name not in self._refreshing:
            task = self._refreshing[name] = asyncio.create_task(self._refreshed(name))
            task.add_done_callback(lambda _: self._refreshing.pop(name))

    async def _refreshed(self, name: str) -> None:
        answer, _ = known = await self._ask(name)
        # What failed is no news: the stale answer goes on.
        if isinstance(answer, Answer) or answer.denied:
            self._kept[name] = known
            self._on_fresh(name, *known)

    async def _news(self, name: str) -> Known:
        known = self._kept[name] = await self._ask(name)
        self._on_fresh(name, *known)
        return known

    async def _ask(self, name: str) -> Known:
        stale = self._stale(name) if self._personality == "serve_stale" else None
        try:
            if stale is None:
                answer = await self._lookup(name)
            else:
                # A resolver would go on asking behind the stale answer; here the next question is
                # the one after that answer's 30 s, which is when the RFC lets it ask again.
                async with self._clock.timeout(_STALE_AFTER_S):
                    answer = await self._lookup(name)
        except TimeoutError:
            if stale is None:
                raise
            return stale, self._clock.now() + _STALE_TTL_S
        except ResolveError as error:
            # "There is no such name" is news, and ends what was known (RFC 8767, section 4).
            if error.denied:
                self._good.pop(name, None)
            elif stale is not None:
                return stale, self._clock.now() + _STALE_TTL_S
            return error, self._clock.now() + min(_NEGATIVE_MAX_S, error.negative_ttl_s)
        expires = self._clock.now() + keeps_for_s(self._personality, answer.ttl_s)
        if self._personality in _STALE:
            self._good[name] = (answer, expires)
        return answer, expires

    def _stale(self, name: str) -> Answer | None:
        """An answer that has expired and may be used where there is no newer one."""
        answer, expired = self._good.get(name, (None, 0.0))
        ttl_s, longest_s = _STALE.get(self._personality, (0.0, 0.0))
        if answer is None or self._clock.now() > expired + longest_s:
            return None
        return replace(answer, ttl_s=ttl_s, stale=True)
