"""The answers of the zone, read with dnspython, which shares no code with what writes them."""

import dataclasses
from ipaddress import ip_address

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from sim.routing.dns import zone_authority as authority_module
from sim.topology.model import Region, Routing
from tests.slot import address

HOST = "atlas-voice-v2.fly.dev"
SOURCE = "198.51.100.1"  # is in no location


def ask(authority, name=HOST, rtype="A", *, asked=None, source=SOURCE, transport="udp", **parts):
    query = dns.message.make_query(name, rtype, **parts)
    reply = authority.reply(query.to_wire(), asked, source, transport)
    message = dns.message.from_wire(reply)
    assert query.is_response(message)
    return message


def told(message):
    """The texts of the answered records."""
    return [record.to_text() for rrset in message.answer for record in rrset]


def subnet(text, source=None):
    address, _, length = text.partition("/")
    return dns.edns.ECSOption(address, int(length) if source is None else source)


def scope(message):
    return next(o.scopelen for o in message.options if isinstance(o, dns.edns.ECSOption))


def test_the_host_has_the_address_at_which_the_location_reaches_its_region(authority, plan):
    assert told(ask(authority, asked="london")) == [plan.link("london", "fra").host]
    assert told(ask(authority, asked="new-york")) == [plan.link("new-york", "iad").host]
    assert told(ask(authority)) == [plan.edge("iad").host]


def test_the_subnet_goes_before_the_nameserver_and_that_before_the_source(authority, plan):
    london = {"options": [subnet("81.2.69.0/24")]}
    nowhere = {"options": [subnet("9.9.9.0/24")]}
    source = plan.client("lagos", 3)
    where = plan.region_at
    for asked, parts, location in (
        ("new-york", london, "london"),
        ("new-york", nowhere, "new-york"),
        ("new-york", {}, "new-york"),
        (None, london, "london"),
        (None, nowhere, "lagos"),
        (None, {}, "lagos"),
    ):
        [address] = told(ask(authority, asked=asked, source=source, **parts))
        assert where(address)
        assert ip_address(address) in plan.network(location)


def test_a_client_that_hides_its_subnet_is_known_by_what_it_asked(authority, plan):
    message = ask(authority, asked="london", options=[subnet("0.0.0.0/0")])
    assert told(message) == [plan.link("london", "fra").host]
    assert scope(message) == 0


def test_scopes_are_as_wide_as_the_answer_holds(authority):
    assert scope(ask(authority, options=[subnet("81.2.69.0/24")])) == 24
    assert scope(ask(authority, options=[subnet("81.2.70.0/24")])) == 23
    assert scope(ask(authority, options=[subnet("9.9.9.0/24")])) == 2
    # Wider than what was asked: the asker is to ask again with more bits.
    assert scope(ask(authority, options=[subnet("81.2.0.0/16")])) == 18


def test_no_scope_of_a_tailored_answer_spans_both_address_families(topology, build):
    only_v4 = dataclasses.replace(
        topology,
        locations={
            name: dataclasses.replace(
                location, subnets=tuple(s for s in location.subnets if s.version == 4)
            )
            for name, location in topology.locations.items()
        },
    )
    message = ask(build(only_v4)._authority, options=[subnet("2001:db8::/48")])
    assert scope(message) == 1


def test_what_is_the_same_for_everyone_has_scope_0(authority):
    london = {"options": [subnet("81.2.69.0/24")]}
    for name, rtype in ((HOST, "AAAA"), ("fly.dev", "SOA"), ("fly.dev", "NS"), ("x.fly.dev", "A")):
        assert scope(ask(authority, name, rtype, **london)) == 0


@pytest.mark.parametrize(
    ("name", "rtype", "rcode", "records"),
    [
        (HOST, "TXT", 0, ['"location=london regions=fra,iad"']),
        (HOST, "AAAA", 0, []),
        (HOST, "HTTPS", 0, []),
        ("fly.dev", "NS", 0, ["ns.atlas-voice-v2.fly.dev."]),
        ("fly.dev", "A", 0, []),
        ("ns.atlas-voice-v2.fly.dev", "A", 0, [address("2.53")]),
        ("nobody.fly.dev", "A", dns.rcode.NXDOMAIN, []),
        ("a.b.c.fly.dev", "TXT", dns.rcode.NXDOMAIN, []),
    ],
)
def test_the_records_of_the_zone(authority, name, rtype, rcode, records):
    message = ask(authority, name, rtype, asked="london")
    assert (message.rcode(), told(message)) == (rcode, records)
    assert message.flags & dns.flags.AA
    if not records:
        [soa] = message.authority
        assert soa.name == dns.name.from_text("fly.dev")
        assert soa.ttl == soa[0].minimum == 5


def test_a_name_that_only_has_names_below_it_exists(topology, build):
    dotted = dataclasses.replace(topology, app="voice.atlas")
    message = ask(build(dotted)._authority, "atlas.fly.dev")
    assert message.rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("name", ["dev", ".", "notfly.dev", "fly.dev.org", r"x\003fly.dev"])
def test_a_name_outside_the_zone_is_refused_to_resolvers_and_is_none_for_stubs(authority, name):
    for recursion, rcode in [(0, dns.rcode.REFUSED), (dns.flags.RD, dns.rcode.NXDOMAIN)]:
        message = ask(authority, name, flags=recursion)
        assert message.rcode() == rcode
        assert not message.flags & dns.flags.AA


def test_a_stub_that_has_other_nameservers_is_refused_and_asks_them(authority):
    query = dns.message.make_query("example.com", "A").to_wire()
    reply = dns.message.from_wire(authority.reply(query, None, "127.0.0.1", alone=False))
    assert reply.rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize(("ttl_s", "ttl"), [(30.0, 30), (0.25, 1), (0.0, 0), (1.5, 2)])
def test_the_ttl_is_in_whole_seconds(topology, build, ttl_s, ttl):
    authority = build(dataclasses.replace(topology, routing=Routing(ttl_s=ttl_s)))._authority
    assert ask(authority).answer[0].ttl == ttl


def test_the_case_of_a_name_is_given_back(authority):
    for _ in range(2):  # encoded, then from the cache
        for name in ("ATLAS-voice-V2.Fly.Dev", HOST):
            query = dns.message.make_query(name, "A").to_wire()
            assert authority.reply(query, "london", SOURCE)[12 : len(query)] == query[12:]


def test_a_reply_that_does_not_fit_says_so_and_fits_over_tcp(topology, build):
    far = topology.regions["fra"].at
    regions = {code: Region(code, code, far) for code in (f"region-{i:02}" for i in range(99))}
    authority = build(dataclasses.replace(topology, regions=regions))._authority
    for parts, edns in (({}, -1), ({"use_edns": 0, "payload": 600}, 0)):
        cut = ask(authority, HOST, "TXT", **parts)
        assert cut.flags & dns.flags.TC
        assert (cut.edns, told(cut)) == (edns, [])
        whole = ask(authority, HOST, "TXT", transport="tcp", **parts)
        assert not whole.flags & dns.flags.TC
        assert "region-98" in told(whole)[0]
    fits = ask(authority, HOST, "TXT", use_edns=0, payload=1232)
    assert told(fits) == told(whole)


def test_no_udp_reply_is_longer_than_what_any_path_carries(topology, build):
    far = topology.regions["fra"].at
    codes = [f"region-number-{i:02}" for i in range(99)]
    regions = {code: Region(code, code, far) for code in codes}
    authority = build(dataclasses.replace(topology, regions=regions))._authority
    assert ask(authority, HOST, "TXT", use_edns=0, payload=4096).flags & dns.flags.TC


def test_the_tables_stay_bounded(authority, monkeypatch):
    monkeypatch.setattr(authority_module, "_KNOWN_CLIENTS", 16)
    for number in range(700):
        address = f"9.9.{number // 256}.{number % 256}/32"
        ask(authority, f"n{number}.fly.dev", options=[subnet(address)])
        assert len(authority._with_edns) <= 16
    assert len(authority.views[None].cache) <= 512
