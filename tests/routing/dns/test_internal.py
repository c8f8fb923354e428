"""Fly's private names: who is answered, to whom, by state and not by health."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from dnslib import DNSRecord

from sim.routing.dns import wire
from sim.routing.dns.internal import TTL_S, InternalZone, Resident

KM = {"iad": {"iad": 0, "fra": 90, "nrt": 150}, "fra": {"fra": 0, "iad": 90, "nrt": 130}}
ZONE = InternalZone("atlas", ("iad", "fra", "nrt"), lambda a, b: KM[a][b])
MACHINES = [
    Resident("aaa1", "iad", "::ffff:127.44.150.10"),
    Resident("bbb2", "fra", "::ffff:127.44.151.10", metadata={"Colour": "Green"}),
    Resident("ccc3", "fra", "::ffff:127.44.151.11", started=False),
    Resident("ddd4", "nrt", "::ffff:127.44.152.10", group="worker"),
]
IAD, FRA, DOWN, NRT = (machine.address for machine in MACHINES)


def answer(name, rtype="AAAA", region="iad", machines=MACHINES):
    packet = bytes(DNSRecord.question(name, rtype).pack())
    query = wire.scan(packet)
    assert isinstance(query, wire.Query)
    return DNSRecord.parse(ZONE.answer(query.key, region, machines).reply(packet, query.end, b""))


def addresses(name, **given):
    found = [IPv6Address(bytes(record.rdata.data)) for record in answer(name, **given).rr]
    return [f"::ffff:{address.ipv4_mapped}" for address in found]


def text(name, **given):
    (record,) = answer(name, "TXT", **given).rr
    return "".join(part.decode() for part in record.rdata.data)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("atlas.internal", [IAD, FRA, NRT]),
        ("ATLAS.internal", [IAD, FRA, NRT]),
        ("global.atlas.internal", [IAD, FRA, NRT]),
        ("fra.atlas.internal", [FRA]),
        ("top1.nearest.of.atlas.internal", [IAD]),
        ("top2.nearest.of.atlas.internal", [IAD, FRA]),
        ("top9.nearest.of.atlas.internal", [IAD, FRA, NRT]),
        ("bbb2.vm.atlas.internal", [FRA]),
        ("app.process.atlas.internal", [IAD, FRA]),
        ("worker.process.atlas.internal", [NRT]),
        ("green.colour.kv._metadata.atlas.internal", [FRA]),
    ],
)
def test_machines_that_are_started_are_answered(name, found):
    assert addresses(name) == found


def test_nearest_is_as_seen_from_who_asks():
    assert addresses("top2.nearest.of.atlas.internal", region="fra") == [FRA, IAD]


@pytest.mark.parametrize(
    "name",
    [
        "ccc3.vm.atlas.internal",  # stopped
        "zzz.vm.atlas.internal",
        "ams.atlas.internal",  # no region of the topology
        "top0.nearest.of.atlas.internal",
        "batch.process.atlas.internal",
        "red.colour.kv._metadata.atlas.internal",
        "other.internal",
        "all.fra.atlas.internal",
        "red.size.kv._metadata.atlas.internal",
        "size.kv._metadata.atlas.internal",
    ],
)
def test_nobody_is_at_any_other_name(name):
    reply = answer(name)
    assert reply.header.rcode == wire.NXDOMAIN
    assert [record.ttl for record in reply.auth] == [TTL_S]


@pytest.mark.parametrize(
    "name",
    [
        "internal",
        "vm.atlas.internal",
        "process.atlas.internal",
        "of.atlas.internal",
        "nearest.of.atlas.internal",
        "_metadata.atlas.internal",
        "kv._metadata.atlas.internal",
        "colour.kv._metadata.atlas.internal",
    ],
)
def test_a_name_that_only_has_names_below_it_exists_without_records(name):
    reply = answer(name)
    assert (reply.header.rcode, reply.rr) == (0, [])
    assert [record.ttl for record in reply.auth] == [TTL_S]


def test_the_zone_has_a_start_of_authority():
    (soa,) = answer("internal", "SOA").rr
    assert (str(soa.rname), soa.ttl) == ("internal.", TTL_S)
    assert [record.rtype for record in answer("internal", "ANY").rr] == [soa.rtype]


def test_a_region_whose_machines_are_all_down_exists_without_addresses():
    reply = answer("fra.atlas.internal", machines=[MACHINES[0], MACHINES[2]])
    assert (reply.header.rcode, reply.rr) == (0, [])


def test_there_are_no_ipv4_addresses_as_at_fly():
    reply = answer("atlas.internal", "A")
    assert (reply.header.rcode, reply.rr) == (0, [])


def test_answers_may_be_kept_for_five_seconds():
    assert {record.ttl for record in answer("atlas.internal").rr} == {5}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vms.atlas.internal", "aaa1 iad,bbb2 fra,ddd4 nrt"),
        ("all.vms.atlas.internal", "aaa1 iad,bbb2 fra,ccc3 fra,ddd4 nrt"),
        ("regions.atlas.internal", "iad,fra,nrt"),
        ("_apps.internal", "atlas"),
        (
            "_instances.internal",
            (
                f"instance=aaa1,app=atlas,ip={IAD},region=iad;"
                f"instance=bbb2,app=atlas,ip={FRA},region=fra;"
                f"instance=ddd4,app=atlas,ip={NRT},region=nrt"
            ),
        ),
    ],
)
def test_what_there_is_can_be_read_in_words(name, said):
    assert text(name) == said


def test_all_regions_are_those_with_any_machine():
    machines = [MACHINES[0], MACHINES[2]]
    assert text("regions.atlas.internal", machines=machines) == "iad"
    assert text("all.regions.atlas.internal", machines=machines) == "iad,fra"


def test_a_long_text_comes_in_strings_of_255():
    many = [Resident(f"{n:014x}", "fra", f"::ffff:127.44.151.{n}") for n in range(100)]
    assert text("vms.atlas.internal", machines=many).count(",") == 99
