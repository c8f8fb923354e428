"""The TTL that ends with the next health check: who decides, how long, and what a client gains."""

import asyncio
import dataclasses
import math
from pathlib import Path

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock import Clock, VirtualTimeLoop
from sim.machines.checker import HealthChecker
from sim.machines.health import Result, Status
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.runtime import MachineSpec
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.routing.dns.ttl import bounded_ttl_s
from sim.routing.resolver import Resolver
from sim.routing.router import deciding_regions
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Check, Routing
from tests.slot import SLOT

HOST = "atlas-voice-v2.fly.dev"
SHRINKING = Routing(ttl_s=30.0, min_ttl_s=2.0)
BOTH = frozenset({"iad", "fra"})


@pytest.mark.parametrize(
    ("remaining", "ttl"),
    [(29.9, 30), (12.0, 12), (11.2, 12), (0.3, 2), (-1.0, 2), (31.0, 30), (math.inf, 30)],
)
def test_the_ttl_ends_with_the_check_rounded_up_and_within_bounds(remaining, ttl):
    assert bounded_ttl_s(remaining, 2.0, 30.0) == ttl


CODES = ("a", "b", "c", "d")


@given(healthy=st.sets(st.sampled_from(CODES)), answers=st.integers(1, 4), data=st.data())
def test_a_region_whose_flip_changes_what_is_answered_decides(healthy, answers, data):
    def answered(alive):
        return ([code for code in CODES if code in alive] or list(CODES))[:answers]

    deciding = deciding_regions(CODES, healthy, answers)
    flipped = data.draw(st.sampled_from(CODES))
    if answered(healthy ^ {flipped}) != answered(healthy):
        assert flipped in deciding


@pytest.mark.parametrize(
    ("healthy", "answers", "deciding"),
    [("abcd", 1, "a"), ("cd", 1, "abc"), ("abcd", 2, "ab"), ("bd", 2, "abcd"), ("", 1, "abcd")],
)
def test_no_region_further_away_than_what_is_answered_decides(healthy, answers, deciding):
    assert deciding_regions(CODES, healthy, answers) == tuple(deciding)


class World:
    """A resolver that is told when each region may change; time is set by hand."""

    def __init__(self, resolver, due):
        self.due = due
        self.resolver = resolver
        self.clock = self.resolver._clock
        self.now = 0.0
        self.clock.now = lambda: self.now
        self.resolver.foresee(self.due.__getitem__)
        self.resolver.serve(BOTH)

    def ttl(self, location="london", rtype="A"):
        packet = dns.message.make_query(HOST, rtype).to_wire()
        reply = self.resolver._authority.reply(packet, location, "198.51.100.1")
        return dns.message.from_wire(reply).answer[0].ttl


@pytest.fixture
def world(topology, build):
    def make(*, iad=math.inf, fra=math.inf, **parts):
        routing = dataclasses.replace(SHRINKING, **parts)
        resolver = build(dataclasses.replace(topology, routing=routing))
        return World(resolver, {"iad": iad, "fra": fra})

    return make


def test_an_answer_shrinks_until_the_check_and_is_whole_again_behind_it(world):
    london = world(fra=30.0)
    seen = []
    for now in (0.0, 10.5, 27.9, 29.5, 30.0):
        london.now = now
        seen.append((london.ttl(), london.ttl(rtype="TXT")))
    assert seen == [(30, 30), (20, 20), (3, 3), (2, 2), (2, 2)]
    london.now, london.due["fra"] = 30.2, 60.0
    assert london.ttl() == 30


def test_a_region_further_away_says_nothing_about_the_nearest(world):
    near = world(iad=5.0, fra=25.0)
    assert (near.ttl("london"), near.ttl("new-york")) == (25, 5)


def test_the_return_of_a_nearer_region_is_foreseen(world):
    moved = world(iad=25.0, fra=7.0)
    moved.resolver.serve({"iad"})
    assert (moved.ttl("london"), moved.ttl("new-york")) == (7, 25)


def test_a_second_answer_is_foreseen_too(world):
    two = world(iad=5.0, fra=25.0, answers=2)
    assert two.ttl("london") == 5


@pytest.mark.parametrize("routing", [{"min_ttl_s": None}, {"mode": "anycast"}])
def test_without_the_option_and_with_anycast_the_ttl_is_whole(world, routing):
    fixed = world(iad=5.0, fra=5.0, **routing)
    assert fixed.ttl() == 30
    assert len(fixed.resolver.explain(HOST, "london").policy) == 1


def test_a_frozen_location_keeps_its_ttl(world):
    frozen = world(fra=12.0)
    assert frozen.ttl() == 12
    frozen.resolver.freeze("london")
    frozen.now = 6.0
    frozen.resolver.serve({"iad"})
    assert frozen.ttl() == 12
    frozen.resolver.thaw("london")
    assert frozen.ttl() == 6


def test_the_end_of_a_ttl_encodes_nothing_that_does_not_change(world):
    london = world(fra=20.0)
    names = [(HOST, "A"), (HOST, "AAAA"), ("fly.dev", "NS"), ("x.fly.dev", "A")]
    for now, encoded in ((0.0, 4), (1.0, 5), (1.05, 5)):
        london.now = now
        for name, rtype in names:
            packet = dns.message.make_query(name, rtype).to_wire()
            london.resolver._authority.reply(packet, "london", "198.51.100.1")
        assert london.resolver.counts().encoded == encoded


def test_an_explanation_says_why_the_ttl_is_short(world):
    london = world(fra=6.4)
    why = london.resolver.explain(HOST, "london")
    assert why.ttl_s == 7
    assert "may change this in 6.4 s: the TTL ends then (2 to 30 s)" in why.policy[1]


def test_a_health_checker_that_is_about_to_tell_ends_the_answers_of_its_region(topology):
    """Over a crash in virtual time: what is cached ends within 2 s of the check that finds it."""

    async def crash():
        clock = Clock()
        journal = Journal(clock)
        routing = dataclasses.replace(topology, routing=SHRINKING)
        plan = AddressPlan(routing, SLOT)
        resolver = Resolver(routing, plan, clock, journal)
        alive = {"iad", "fra"}

        async def probe(_check, endpoint, _clock):
            passed = plan.region_at(endpoint.host) in alive
            return Result(passed=passed, output="asked")

        checker = HealthChecker(clock, Rng(3, "health"), journal, probe)
        check = Check(interval_s=30.0)
        for code in routing.regions:
            endpoint = Endpoint(plan.machine(code, 0), 8080)
            spec = MachineSpec(code, code, None, None, {}, endpoint, Path(), Path())
            machine = Machine(spec, 1, State.STARTED)
            checker.watch(machine, [check])
            checker.started(code)
        resolver.foresee(checker.may_change_at)
        flips = []

        def flip(_machine, _status):
            up = {code for code in routing.regions if checker.status(code) is Status.PASSING}
            resolver.serve(up)
            flips.append(clock.now())

        checker.on_change(flip)
        await clock.sleep(40.0)
        alive.discard("fra")
        crashed = clock.now()
        client = World.__new__(World)
        client.resolver = resolver
        expires, told, asked = 0.0, [], 0
        while clock.now() < crashed + 60.0:
            if clock.now() >= expires:
                expires = clock.now() + client.ttl()
                asked += 1
                told.append((clock.now(), resolver.regions("london")[0]))
            await clock.sleep(0.1)
        await checker.stop()
        found = flips[-1]
        followed = next(instant for instant, region in told if region == "iad")
        return found - crashed, followed - found, asked

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        detection, dns_part, asked = runner.run(crash())
    assert 0.0 < detection <= 30.0
    assert 0.0 <= dns_part <= 2.0
    assert asked <= 8  # not a question a second
