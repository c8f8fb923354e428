"""What was asked and answered can be counted: each test says which counters move, and how far."""

import dataclasses

import dns.asyncquery
import dns.edns
import dns.message
import pytest

from sim.routing.dns.dns_counters import Answered
from sim.topology.model import Region, Routing

HOST = "atlas-voice-v2.fly.dev"
SOURCE = "198.51.100.1"  # is in no location
LONDON: dns.edns.Option = dns.edns.ECSOption("81.2.69.0", 24)


@pytest.fixture
def moved(build, topology):
    """Asks a fresh resolver some packets, and returns the counters that are not 0."""

    def ask(*packets, asked="london", silent=None, **parts):
        resolver = build(dataclasses.replace(topology, **parts))
        if silent:
            resolver.outage(silent)
        for packet in packets:
            resolver._authority.reply(packet, asked, SOURCE)
        counts = dataclasses.asdict(resolver.counts())
        del counts["received"]  # counted by the sockets
        found = {
            name: {k: n for k, n in value.items() if n} if isinstance(value, dict) else value
            for name, value in counts.items()
        }
        return {name: value for name, value in found.items() if value}

    return ask


def query(name=HOST, rtype="A", **parts):
    return dns.message.make_query(name, rtype, **parts).to_wire()


def test_answers_are_counted_by_location_region_type_and_code(moved):
    packets = [query()] * 3 + [query(rtype="TXT"), query("x." + HOST), query("example.com", "MX")]
    packets.append(query("example.com", "MX", flags=0))  # not as a stub resolver asks
    assert moved(*packets)["answers"] == {
        Answered("london", "fra", "A", "NOERROR"): 3,
        Answered("london", "fra", "TXT", "NOERROR"): 1,
        Answered(None, None, "A", "NXDOMAIN"): 1,
        Answered(None, None, "other", "NXDOMAIN"): 1,
        Answered(None, None, "other", "REFUSED"): 1,
    }


def test_a_ready_answer_counts_as_one_that_was_encoded(moved):
    for packet in (query(), query(options=[LONDON]), query(rtype="AAAA", use_edns=0)):
        once, often = moved(packet), moved(*[packet] * 5)
        assert once["encoded"] == often["encoded"] == 1
        assert sum(often["answers"].values()) == sum(often["clients"].values()) == 5


def test_clients_are_counted_by_what_their_queries_had(moved):
    packets = (query(), query(use_edns=0), query(use_edns=0), query(options=[LONDON]))
    assert moved(*packets)["clients"] == {"plain": 1, "edns": 2, "subnet": 1}


def test_an_answer_is_counted_for_where_the_client_is_not_for_whom_it_asked(moved):
    [kind] = moved(query(options=[LONDON]), asked="new-york")["answers"]
    assert kind == Answered("london", "fra", "A", "NOERROR")


def test_a_failure_told_by_policy_is_counted_as_such(build, topology):
    resolver = build(dataclasses.replace(topology, routing=Routing(all_down="servfail")))
    resolver.serve(())
    resolver._authority.reply(query(), "london", SOURCE)
    assert resolver.counts().answers == {Answered("london", None, "A", "SERVFAIL"): 1}


def test_what_is_no_query_moves_nothing_else(moved):
    response = bytearray(query())
    response[2] |= 0x80
    assert moved(bytes(response), b"short") == {"unanswered": {"no query": 2}}


def test_an_error_moves_nothing_else(moved):
    dirty = query(options=[LONDON])[:-1]
    unknown = query(use_edns=1)
    assert moved(dirty, query()[:20], unknown) == {"errors": {"FORMERR": 2, "BADVERS": 1}}


def test_silence_is_counted(moved):
    by_address = moved(query(), silent="london")
    by_subnet = moved(query(options=[LONDON]), asked="new-york", silent="london")
    assert by_address == by_subnet == {"unanswered": {"outage": 1}}


def test_what_does_not_fit_is_counted(moved, topology):
    far = topology.regions["fra"].at
    regions = {code: Region(code, code, far) for code in (f"region-{i:02}" for i in range(99))}
    assert moved(query(rtype="TXT"), query(rtype="TXT"), regions=regions)["truncated"] == 2


async def test_packets_are_counted_by_transport(resolver, plan):
    for ask, times in ((dns.asyncquery.udp, 3), (dns.asyncquery.tcp, 2)):
        for _ in range(times):
            question = dns.message.make_query(HOST, "A")
            await ask(question, plan.nameserver("london"), port=resolver.port, timeout=5)
    counts = resolver.counts()
    assert counts.received == {"udp": 3, "tcp": 2}
    assert sum(counts.answers.values()) == 5
    await ask(question, plan.nameserver("london"), port=resolver.port, timeout=5)
    assert counts.received == {"udp": 3, "tcp": 2}  # what was read does not go on
