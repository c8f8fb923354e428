from __future__ import annotations

import math

import pytest

from sim.clients.cache import DnsCache
from sim.clients.dns import Answer, ResolveError
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


@pytest.mark.parametrize("personality", ["strict", "browser", "jvm", "pinned"])
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
