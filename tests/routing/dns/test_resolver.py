"""What health does to the answers, and what faults do to both."""

import dataclasses

import dns.asyncquery
import dns.edns
import dns.exception
import dns.message
import dns.rcode
import pytest

from sim.errors import InputError
from sim.observe.events import RoutingChanged
from sim.observe.records import Records
from sim.routing.dns.zone import Outlook
from sim.topology.model import ResidencyPolicy, Routing
from tests.slot import SLOT

HOST = "atlas-voice-v2.fly.dev"
PLACES = ("new-york", "london", "lagos")
LONDON: dns.edns.Option = dns.edns.ECSOption("81.2.69.0", 24)
BOTH = frozenset({"iad", "fra"})


@pytest.fixture
def answered(plan):
    """The region that a location is answered with, an error's name, or nothing."""

    def answer(resolver, location, name=HOST):
        packet = dns.message.make_query(name, "A").to_wire()
        reply = resolver._authority.reply(packet, location, "198.51.100.1")
        if reply is None:
            return "no reply"
        message = dns.message.from_wire(reply)
        if message.answer:
            return plan.region_at(message.answer[0][0].to_text())
        return dns.rcode.to_text(message.rcode())

    return answer


@pytest.fixture
def routed(topology, build):
    """A resolver of the world with another routing, every region healthy."""

    def make(**parts):
        resolver = build(dataclasses.replace(topology, **parts))
        resolver.serve(BOTH)
        return resolver

    return make


def changes(journal):
    found = [r.event for r in journal.records if isinstance(r.event, RoutingChanged)]
    journal.records = Records()  # of these nobody asks again
    return {event.location: event.regions for event in found}


def test_before_any_health_is_known_every_region_counts_as_healthy(build, topology, answered):
    resolver = build(topology)
    assert [answered(resolver, place) for place in PLACES] == ["iad", "fra", "fra"]


async def test_a_flip_shows_in_the_next_answer_by_udp_and_by_tcp(resolver, plan):
    query = dns.message.make_query(HOST, "A")
    for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
        for healthy, region in (({"iad"}, "iad"), (BOTH, "fra")) * 3:
            resolver.serve(healthy)
            reply = await ask(query, plan.nameserver("london"), port=resolver.port, timeout=5)
            assert reply.answer[0][0].to_text() == plan.link("london", region).host


def test_only_what_changed_is_journaled(routed, journal):
    resolver = routed()
    both = {"new-york": ("iad", "fra"), "london": ("fra", "iad"), "lagos": ("fra", "iad")}
    assert changes(journal) == both
    resolver.serve(BOTH)
    assert changes(journal) == {}
    resolver.serve({"iad"})
    assert changes(journal) == dict.fromkeys(PLACES, ("iad",))
    assert resolver.regions("london") == ("iad",)


def test_a_flip_keeps_the_encoded_answers_of_locations_that_it_does_not_move(routed):
    resolver = routed(routing=Routing(when_none_local="refuse"))
    before = resolver._authority.views
    resolver.serve({"iad"})
    assert resolver._authority.views["new-york"] is before["new-york"]


def test_when_everything_is_down_everything_is_answered(routed, answered, journal):
    resolver = routed()
    changes(journal)
    resolver.serve(frozenset())
    assert [answered(resolver, place) for place in PLACES] == ["iad", "fra", "fra"]
    assert changes(journal) == {}


@pytest.mark.parametrize(("policy", "answer"), [("none", "NOERROR"), ("servfail", "SERVFAIL")])
def test_when_everything_is_down_the_policy_may_answer_nothing(
    routed, answered, journal, policy, answer
):
    resolver = routed(routing=Routing(all_down=policy))
    resolver.serve(frozenset())
    assert answered(resolver, "london") == answer
    assert answered(resolver, "london", "ns." + HOST) is not answer
    assert changes(journal)["london"] == ()
    resolver.serve({"iad"})
    assert answered(resolver, "london") == "iad"


def test_the_last_good_answer_may_stay(routed, answered, journal):
    resolver = routed(routing=Routing(all_down="last_good"))
    resolver.serve({"iad"})
    changes(journal)
    resolver.serve(frozenset())
    assert answered(resolver, "london") == "iad"
    assert changes(journal) == {}


def test_an_answer_withheld_by_policy_is_tailored_and_its_name_exists(routed):
    policies = (
        ResidencyPolicy("a", ("london",), ("iad",)),
        ResidencyPolicy("b", ("london",), ("fra",)),
    )
    resolver = routed(routing=Routing(when_none_local="refuse"), residency=policies)
    packet = dns.message.make_query(HOST, "A", options=[LONDON]).to_wire()
    message = dns.message.from_wire(resolver._authority.reply(packet, None, "198.51.100.1"))
    assert (message.rcode(), message.answer) == (dns.rcode.NOERROR, [])
    assert message.options[0].scopelen == 24


def test_anycast_answers_never_change(routed, answered, journal):
    resolver = routed(routing=Routing(mode="anycast"))
    changes(journal)
    for healthy in ("iad", "fra", None):
        resolver.serve({healthy} - {None})
        assert [answered(resolver, place) for place in PLACES] == ["iad", "fra", "fra"]
    assert changes(journal) == {}


def test_an_outage_silences_one_location_or_all(routed, answered):
    resolver = routed()
    resolver.outage("london")
    assert answered(resolver, "london") == "no reply"
    assert answered(resolver, "new-york") == "iad"
    resolver.outage()
    assert answered(resolver, "new-york") == "no reply"
    resolver.restore()
    assert [answered(resolver, place) for place in PLACES] == ["iad", "fra", "fra"]
    resolver.outage("london")
    resolver.restore("london")
    assert answered(resolver, "london") == "fra"


def test_an_outage_follows_the_location_of_the_client_subnet(routed):
    resolver = routed()
    resolver.outage("london")
    packet = dns.message.make_query(HOST, "A", options=[LONDON]).to_wire()
    assert resolver._authority.reply(packet, "new-york", "198.51.100.1") is None


async def test_an_outage_is_silence_on_the_wire(resolver, plan):
    resolver.outage("london")
    query = dns.message.make_query(HOST, "A")
    with pytest.raises(dns.exception.Timeout):
        await dns.asyncquery.udp(query, plan.nameserver("london"), port=resolver.port, timeout=0.1)


def test_a_frozen_location_hears_of_nothing_until_it_thaws(routed, answered, journal):
    resolver = routed()
    resolver.freeze("london")
    changes(journal)
    resolver.serve({"iad"})
    assert answered(resolver, "london") == "fra"
    assert answered(resolver, "lagos") == "iad"
    assert "london" not in changes(journal)
    resolver.thaw("london")
    assert answered(resolver, "london") == "iad"
    assert changes(journal) == {"london": ("iad",)}


async def test_its_repr_is_a_status_line(resolver):
    assert repr(resolver) == f"<Resolver port {resolver.port}, healthy fra,iad>"
    resolver.serve(set())
    resolver.outage("london")
    resolver.freeze("lagos")
    expected = f"port {resolver.port}, healthy no region; silent london; frozen lagos"
    assert repr(resolver) == f"<Resolver {expected}>"


# --- explanations ---------------------------------------------------------------------------


def test_an_explanation_says_why(routed, plan):
    resolver = routed()
    resolver.serve({"iad"})
    why = resolver.explain(HOST, "81.2.69.0/24")
    assert (why.location, str(why.matched)) == ("london", "81.2.69.0/24")
    assert [(c.region, c.healthy) for c in why.candidates] == [("fra", False), ("iad", True)]
    assert why.candidates[0].rtt_ms < why.candidates[1].rtt_ms
    assert (why.status, why.address, why.ttl_s) == ("NOERROR", plan.link("london", "iad").host, 30)
    text = "\n".join(why.lines())
    for part in ("in london (by 81.2.69.0/24)", "fra", "unhealthy", "30 s", "nearest healthy"):
        assert part in text


@pytest.mark.parametrize(
    ("place", "location", "matched"),
    [
        ("london", "london", None),
        ("127.{slot}.3.10", "lagos", "127.{slot}.3.0/24"),
        ("2001:db8:1::5", "london", "2001:db8:1::/48"),
        ("9.9.9.9", None, None),
        (None, None, None),
    ],
)
def test_an_explanation_may_be_asked_for_any_place(routed, place, location, matched):
    why = routed().explain(HOST, place and place.format(slot=SLOT))
    found = why.matched and str(why.matched)
    assert (why.location, found) == (location, matched and matched.format(slot=SLOT))


def test_an_explanation_names_the_policy_that_decided(routed):
    refusing = routed(
        routing=Routing(when_none_local="refuse", all_down="servfail"),
        residency=(ResidencyPolicy("eu", ("london",), ("fra",)),),
    )
    refusing.serve({"iad"})
    why = refusing.explain(HOST, "london")
    assert why.status == "SERVFAIL"
    assert [c.allowed for c in why.candidates] == [True, False]
    assert "keeps it in fra (residency policy eu)" in why.policy[1]
    assert "all_down: servfail" in why.policy[2]
    assert "its continent" in refusing.explain(HOST, "new-york").policy[1]
    assert "anycast" in routed(routing=Routing(mode="anycast")).explain(HOST).policy[0]


def test_an_explanation_knows_of_faults_and_of_names_that_are_not(routed):
    resolver = routed()
    assert resolver.explain("x." + HOST, "london").status == "NXDOMAIN"
    assert resolver.explain("example.com", "london").status == "NXDOMAIN"
    resolver.mislead("london", Outlook.SERVFAIL)
    why = resolver.explain(HOST, "london")
    assert (why.status, why.address, why.served) == ("SERVFAIL", None, ())
    assert why.policy[1] == "the location is told servfail by a fault"
    resolver.thaw("london")
    resolver.freeze("london")
    resolver.outage("london")
    why = resolver.explain(HOST, "london")
    assert (why.status, why.address) == ("no reply", None)
    assert "frozen" in why.policy[1]
    assert "out" in why.policy[2]


@pytest.mark.parametrize(
    ("outlook", "said"),
    [
        (Outlook.NXDOMAIN, "NXDOMAIN"),
        (Outlook.NODATA, "NOERROR"),
        (Outlook.SERVFAIL, "SERVFAIL"),
    ],
)
def test_a_location_can_be_misled_alone_whatever_health_says(
    routed, answered, journal, outlook, said
):
    resolver = routed()
    changes(journal)
    resolver.mislead("london", outlook)
    assert [answered(resolver, place) for place in PLACES] == ["iad", said, "fra"]
    assert changes(journal) == {"london": ()}
    resolver.serve({"iad"})
    assert [answered(resolver, place) for place in PLACES] == ["iad", said, "iad"]
    resolver.thaw("london")
    assert answered(resolver, "london") == "iad"


def test_a_place_or_name_that_is_none_is_said(routed):
    with pytest.raises(InputError, match="did you mean 'london'"):
        routed().explain(HOST, "lodnon")
    for name in ("a" * 64 + ".fly.dev", "a..fly.dev", ".".join("a" * 140), "\ud800.dev"):
        with pytest.raises(InputError, match="no domain name"):
            routed().explain(name)
