"""A second door of the resolver: the same decisions, other addresses."""

import dns.asyncquery
import dns.edns
import dns.exception
import dns.message
import pytest

from tests.slot import SLOT, address

HOST = "atlas-voice-v2.fly.dev"
ANNEX = address("2.60")
WAYS = {"iad": f"10.{SLOT}.2.65", "fra": f"10.{SLOT}.2.69"}


@pytest.fixture
async def extended(resolver):
    """The resolver with a door for clients of London in a network of their own."""
    await resolver.extend("london", ANNEX, WAYS)
    return resolver


async def asked(resolver, host=ANNEX, name=HOST, ask=dns.asyncquery.udp, within_s=5.0, **options):
    query = dns.message.make_query(name, "A", **options)
    reply = await ask(query, host, port=resolver.port, timeout=within_s)
    return reply.answer[0][0].to_text()


async def test_it_leads_where_the_location_is_led_by_its_own_ways(extended, plan):
    for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
        assert await asked(extended, ask=ask) == WAYS["fra"]
        extended.serve({"iad"})
        assert await asked(extended, ask=ask) == WAYS["iad"]
        assert await asked(extended, plan.nameserver("london")) == plan.link("london", "iad").host
        extended.serve({"iad", "fra"})


async def test_it_is_the_locations_nameserver(extended):
    assert await asked(extended, name=f"ns.{HOST}") == ANNEX


async def test_who_is_elsewhere_by_its_subnet_is_led_there(extended, plan):
    told = await asked(extended, options=[dns.edns.ECSOption("81.2.70.0", 24)])
    assert told == plan.link("lagos", "fra").host


async def test_an_outage_silences_it_too(extended):
    extended.outage("london")
    with pytest.raises(dns.exception.Timeout):
        await asked(extended, within_s=0.1)
    extended.restore("london")
    assert await asked(extended) == WAYS["fra"]


async def test_what_is_held_for_the_location_is_held_there(extended):
    extended.freeze("london")
    extended.serve({"iad"})
    assert await asked(extended) == WAYS["fra"]
    extended.thaw("london")
    assert await asked(extended) == WAYS["iad"]


async def test_it_is_counted_restarted_and_closed_with_the_resolver(extended):
    before = extended.counts()
    await asked(extended)
    after = extended.counts()
    assert sum(after.received.values()) == sum(before.received.values()) + 1
    await extended.restart()
    assert await asked(extended) == WAYS["fra"]
    await extended.stop()
    with pytest.raises((OSError, dns.exception.Timeout)):
        await asked(extended, ask=dns.asyncquery.tcp, within_s=0.2)
