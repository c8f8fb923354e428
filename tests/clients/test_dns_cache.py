from __future__ import annotations

import math

import pytest

from sim.clients.dns_cache import DnsCache
from sim.clients.load_spec import PERSONALITIES
from sim.clients.stub_resolver import Answer, ResolveError
from sim.clock import Clock


class Zone:
    """Answers with the next address each time it is asked; counts how often."""

    def __init__(self, ttl_s=10.0, error=None):
        self.ttl_s = ttl_s
        self.error = error
        self.asked = 0

    async def lookup(self, _name):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Answer((f"10.0.0.{self.asked}",), self.ttl_s)


@pytest.mark.parametrize(
    ("personality", "ttl_s", "kept_s"),
    [
        ("strict", 10.0, 10.0),
        ("strict", 300.0, 300.0),
        ("strict", 0.0, 0.0),
        ("browser", 10.0, 60.0),
        ("browser", 300.0, 300.0),
        ("jvm", 10.0, 30.0),
        ("jvm", 300.0, 30.0),
        ("pinned", 10.0, math.inf),
    ],
)
def test_an_answer_lives_as_its_personality_has_it(virtually, personality, ttl_s, kept_s):
    async def scenario():
        clock = Clock(speed=10)
        zone = Zone(ttl_s)
        fresh = []
        cache = DnsCache(zone.lookup, personality, clock, lambda *told: fresh.append(told))
        assert await cache.resolve("a") == ("10.0.0.1",)
        assert fresh == [("a", Answer(("10.0.0.1",), ttl_s), kept_s)]
        if kept_s:
            await clock.sleep_until(min(kept_s, 1e6) - 0.001)
            assert await cache.resolve("a") == ("10.0.0.1",)
        if kept_s < math.inf:
            await clock.sleep_until(kept_s + 0.001)
            assert await cache.resolve("a") == ("10.0.0.2",)
            assert len(fresh) == 2

    virtually(scenario())


@pytest.mark.parametrize("personality", PERSONALITIES)
@pytest.mark.parametrize(("negative_ttl_s", "kept_s"), [(60.0, 5.0), (3.0, 3.0), (0.0, 0.0)])
def test_a_failure_is_remembered_for_five_seconds_at_most(
    virtually, personality, negative_ttl_s, kept_s
):
    async def scenario():
        clock = Clock()
        zone = Zone(error=ResolveError("NXDOMAIN", negative_ttl_s))
        fresh = []
        cache = DnsCache(zone.lookup, personality, clock, lambda *told: fresh.append(told))
        for instant, asked in [(0.0, 1), (kept_s - 0.001, 1), (kept_s + 0.001, 2)]:
            if instant >= 0:
                await clock.sleep_until(instant)
                with pytest.raises(ResolveError, match="NXDOMAIN"):
                    await cache.resolve("a")
                assert zone.asked == asked
        assert [expires for *_, expires in fresh] == pytest.approx([kept_s, 2 * kept_s + 0.001])

    virtually(scenario())


def test_names_are_kept_apart(virtually):
    async def scenario():
        cache = DnsCache(Zone().lookup, "strict", Clock(), lambda *_: None)
        assert await cache.resolve("a") != await cache.resolve("b")

    virtually(scenario())


class Flaky(Zone):
    """Answers, or is `down`: after `takes_s`, with a failure that is no denial."""

    down = False
    takes_s = 0.0

    def __init__(self, clock, ttl_s=10.0):
        super().__init__(ttl_s)
        self._clock = clock

    async def lookup(self, name):
        if self.down:
            self.asked += 1
            await self._clock.sleep(self.takes_s)
            raise ResolveError("SERVFAIL")
        return await super().lookup(name)


def stale_cache(clock):
    zone, fresh = Flaky(clock), []
    cache = DnsCache(zone.lookup, "serve_stale", clock, lambda *told: fresh.append(told))
    return zone, cache, fresh


@pytest.mark.parametrize(("takes_s", "waited_s"), [(0.0, 0.0), (1.7, 1.7), (10.0, 1.8)])
def test_what_is_stale_is_served_when_there_is_no_answer_within_1_8_s(virtually, takes_s, waited_s):
    async def scenario():
        clock = Clock(speed=10)
        zone, cache, fresh = stale_cache(clock)
        assert await cache.resolve("a") == ("10.0.0.1",)
        zone.down, zone.takes_s = True, takes_s
        await clock.sleep_until(11.0)
        assert await cache.resolve("a") == ("10.0.0.1",)
        assert clock.now() == pytest.approx(11.0 + waited_s)
        _, answer, expires = fresh[-1]
        assert answer == Answer(("10.0.0.1",), 30.0, stale=True)
        assert expires == pytest.approx(clock.now() + 30.0)

    virtually(scenario())


def test_after_30_s_of_a_stale_answer_the_nameserver_is_asked_again(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, _ = stale_cache(clock)
        await cache.resolve("a")
        zone.down = True
        for instant, asked in [(11.0, 2), (40.9, 2), (41.1, 3)]:
            await clock.sleep_until(instant)
            assert await cache.resolve("a") == ("10.0.0.1",)
            assert zone.asked == asked
        zone.down = False
        await clock.sleep_until(72.0)
        assert await cache.resolve("a") == ("10.0.0.4",)

    virtually(scenario())


def test_a_denial_is_an_answer_and_ends_what_was_known(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, _ = stale_cache(clock)
        await cache.resolve("a")
        zone.error = ResolveError("NXDOMAIN", denied=True)
        await clock.sleep_until(11.0)
        with pytest.raises(ResolveError, match="NXDOMAIN") as caught:
            await cache.resolve("a")
        assert caught.value.denied

    virtually(scenario())


def test_what_is_stale_for_more_than_a_day_is_not_served(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, _ = stale_cache(clock)
        await cache.resolve("a")
        zone.down = True
        await clock.sleep_until(10.0 + 86_399.0)
        assert await cache.resolve("a") == ("10.0.0.1",)
        await clock.sleep_until(10.0 + 86_399.0 + 31.0)
        with pytest.raises(ResolveError, match="SERVFAIL"):
            await cache.resolve("a")

    virtually(scenario())


def test_without_anything_stale_a_slow_answer_is_waited_for(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, _ = stale_cache(clock)
        zone.down, zone.takes_s = True, 9.0
        with pytest.raises(ResolveError, match="SERVFAIL"):
            await cache.resolve("a")
        assert clock.now() == pytest.approx(9.0)

    virtually(scenario())


class Slow(Flaky):
    """Takes its time, also when it answers."""

    async def lookup(self, name):
        if not self.down:
            await self._clock.sleep(self.takes_s)
        return await super().lookup(name)


def stale_first(clock):
    zone, fresh = Slow(clock), []
    cache = DnsCache(zone.lookup, "stale_first", clock, lambda *told: fresh.append(told))
    return zone, cache, fresh


def test_what_is_stale_is_served_first_and_the_news_to_the_next_question(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, fresh = stale_first(clock)
        assert await cache.resolve("a") == ("10.0.0.1",)
        zone.takes_s = 2.0
        await clock.sleep_until(20.0)
        for _ in range(3):
            assert await cache.resolve("a") == ("10.0.0.1",)
            assert clock.now() == 20.0
        assert fresh[-1] == ("a", Answer(("10.0.0.1",), 0.0, stale=True), 20.0)
        await clock.sleep_until(22.5)
        assert zone.asked == 2
        assert await cache.resolve("a") == ("10.0.0.2",)
        assert fresh[-1] == ("a", Answer(("10.0.0.2",), 10.0), 32.0)
        await cache.close()

    virtually(scenario())


def test_what_failed_is_no_news_and_a_denial_is(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, _ = stale_first(clock)
        await cache.resolve("a")
        zone.down = True
        for instant in (20.0, 30.0):
            await clock.sleep_until(instant)
            assert await cache.resolve("a") == ("10.0.0.1",)
        await clock.sleep_until(31.0)
        zone.down, zone.error = False, ResolveError("NXDOMAIN", 60.0, denied=True)
        await clock.sleep_until(40.0)
        assert await cache.resolve("a") == ("10.0.0.1",)
        for instant in (41.0, 60.0):  # what was known before is stale no longer: it is wrong
            await clock.sleep_until(instant)
            with pytest.raises(ResolveError, match="NXDOMAIN"):
                await cache.resolve("a")
        await cache.close()

    virtually(scenario())


def test_after_an_hour_what_is_stale_is_not_served_first_any_more(virtually):
    async def scenario():
        clock = Clock()
        _, cache, _ = stale_first(clock)
        await cache.resolve("a")
        await clock.sleep_until(3610.5)
        assert await cache.resolve("a") == ("10.0.0.2",)

    virtually(scenario())


def test_closing_ends_what_is_asked_behind(virtually):
    async def scenario():
        clock = Clock()
        zone, cache, fresh = stale_first(clock)
        await cache.resolve("a")
        zone.takes_s = 100.0
        await clock.sleep_until(20.0)
        await cache.resolve("a")
        told = len(fresh)
        await clock.sleep_until(21.0)
        await cache.close()
        await clock.sleep_until(300.0)
        assert len(fresh) == told

    virtually(scenario())
