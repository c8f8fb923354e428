"""Any query and any bytes: against a model of the zone, and against dnspython as a reader."""

import string
from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from sim.routing.dns import wire

HOST = "atlas-voice-v2.fly.dev"
SOURCE = "198.51.100.1"  # is in no location
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

LABELS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
NAMES = st.one_of(
    st.sampled_from([HOST, "fly.dev", "ns." + HOST, "dev", "example.com"]),
    st.lists(LABELS, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "fly.dev"])),
)
TYPES = st.sampled_from(["A", "AAAA", "TXT", "SOA", "NS", "HTTPS", "MX", "CAA", "SRV", "PTR"])
SUBNETS = st.one_of(
    st.none(),
    st.tuples(st.ip_addresses(v=4, network="81.2.0.0/16"), st.integers(16, 32)),
    st.tuples(st.ip_addresses(), st.integers(1, 32)),
    st.tuples(st.ip_addresses(v=6, network="2001:db8::/32"), st.integers(48, 128)),
)


QUERIES = st.builds(
    dns.message.make_query,
    NAMES,
    TYPES,
    flags=st.sampled_from([0, dns.flags.RD, dns.flags.AD, dns.flags.CD | dns.flags.RD]),
    options=SUBNETS.map(lambda hint: [dns.edns.ECSOption(str(hint[0]), hint[1])] if hint else []),
    want_dnssec=st.booleans(),
)


def located(topology, plan, address):
    """The location whose prefix is the longest of those that hold the address, or None."""
    prefixes = [
        (prefix.prefixlen, name)
        for name, place in topology.locations.items()
        for prefix in (*place.subnets, plan.network(name))
        if address in prefix
    ]
    return max(prefixes)[1] if prefixes else None


@SETTINGS
@given(query=QUERIES, asked=st.sampled_from([None, "london", "new-york", "lagos"]))
def test_a_well_formed_query_gets_what_a_model_says(authority, topology, plan, query, asked):
    message = dns.message.from_wire(authority.reply(query.to_wire(), asked, SOURCE))
    assert query.is_response(message)
    settled = dns.flags.AA | 0x000F  # and the rest are given back or clear
    assert message.flags & ~settled == query.flags & dns.flags.RD | dns.flags.QR
    assert message.ednsflags == query.ednsflags

    location = asked
    if query.options:
        [hint], [echo] = query.options, message.options
        network = ip_network((hint.address, hint.srclen), strict=False)
        assert (echo.address, echo.srclen) == (str(network.network_address), hint.srclen)
        location = located(topology, plan, network.network_address) or asked
    region = "fra" if location in {"london", "lagos"} else "iad"
    name = query.question[0].name.to_text(omit_final_dot=True).lower()
    rtype = query.question[0].rdtype
    records = [record.to_text() for rrset in message.answer for record in rrset]
    if not name.endswith("fly.dev"):
        stub = bool(query.flags & dns.flags.RD)
        assert message.rcode() == (dns.rcode.NXDOMAIN if stub else dns.rcode.REFUSED)
    elif name not in {HOST, "fly.dev", "ns." + HOST}:
        assert message.rcode() == dns.rcode.NXDOMAIN
    elif name == HOST and rtype == dns.rdatatype.A:
        assert records == [(plan.link(location, region) if location else plan.edge(region)).host]
    elif name == HOST and rtype == dns.rdatatype.TXT:
        assert f"regions={region}," in records[0]
    else:
        assert message.rcode() == dns.rcode.NOERROR


@SETTINGS
@given(
    query=QUERIES,
    noise=st.tuples(
        st.sampled_from([(), (10,), (10, 65001), (3,)]), st.booleans(), st.binary(max_size=9)
    ),
    asked=st.sampled_from([None, "london"]),
    transport=st.sampled_from(["udp", "tcp"]),
)
def test_a_ready_answer_is_the_one_that_would_be_worked_out(
    authority, query, noise, asked, transport
):
    codes, before, junk = noise
    others = [dns.edns.GenericOption(dns.edns.OptionType.make(code), b"12345678") for code in codes]
    options = [*others, *query.options] if before else [*query.options, *others]
    if options:
        query.use_edns(options=options, payload=1232)
    for packet in (query.to_wire(), query.to_wire() + junk):
        expected = authority._work_out(packet, asked, SOURCE, transport)
        assert authority.reply(packet, asked, SOURCE, transport) == expected
        assert authority.reply(packet.swapcase(), asked, SOURCE, transport) == authority._work_out(
            packet.swapcase(), asked, SOURCE, transport
        )


def test_a_query_like_an_earlier_one_is_not_parsed_again(authority, monkeypatch):
    plain = {"use_edns": -1}
    cookie: dns.edns.Option = dns.edns.GenericOption("COOKIE", b"12345678")
    subnet: dns.edns.Option = dns.edns.ECSOption("81.2.69.0", 24)
    first = [plain, {"use_edns": 0, "payload": 1232}, {"payload": 1232, "options": [subnet]}]
    later = [
        *first,
        {"use_edns": 0, "payload": 1232, "options": [cookie]},
        {"payload": 1232, "options": [cookie, subnet]},
        {"payload": 1232, "options": [subnet, cookie]},
    ]

    def ask(name, rtype, parts):
        query = dns.message.make_query(name, rtype, **parts)
        reply = authority.reply(query.to_wire(), "london", SOURCE)
        return query.is_response(dns.message.from_wire(reply))

    kinds = [(HOST, "A"), (HOST, "HTTPS"), ("nobody.fly.dev", "A")]
    for name, rtype in kinds:
        for parts in first:
            assert ask(name, rtype, parts)
    monkeypatch.setattr(wire, "scan", None)  # calling it would raise
    for name, rtype in kinds:
        for parts in later:
            assert ask(name, rtype, parts)
            assert ask(name.title(), rtype, parts)


def reads_as_query(packet):
    """Whether dnspython takes a packet for one ordinary question."""
    try:
        message = dns.message.from_wire(packet, ignore_trailing=True)
    except Exception:  # noqa: BLE001 - its parser raises a dozen types, struct.error among them
        return False
    return message.opcode() == 0 and len(message.question) == 1 and not message.flags & dns.flags.QR


GOOD = dns.message.make_query(HOST, "A", options=[dns.edns.ECSOption("81.2.69.0", 24)]).to_wire()


@SETTINGS
@given(
    data=st.one_of(
        st.binary(max_size=80),
        st.binary(max_size=60).map(lambda tail: bytes(4) + b"\0\1" + bytes(6) + tail),
        st.lists(
            st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4
        ).map(lambda edits: _edited(GOOD, edits)),
        st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=20)).map(
            lambda cut: GOOD[: cut[0]] + cut[1]
        ),
    )
)
@example(data=b"")
@example(data=GOOD)
def test_any_bytes_get_a_proper_reply_or_none(authority, data):
    reply = authority.reply(data, "london", SOURCE)
    assert (reply is None) == (len(data) < 12 or data[2] >= 0x80)
    if reply is None:
        return
    assert reply[:2] == data[:2]
    assert reply[2] & 0xF8 == 0x80 | data[2] & 0x78
    assert len(reply) <= wire.PLAIN_LIMIT
    if not data[2] & 0x78:
        message = dns.message.from_wire(reply)
        assert message.rcode() in {0, 1, 3, 4, 5, 16}
        if message.question:
            start = 12
            assert reply[start : start + 4] == data[start : start + 4]


@SETTINGS
@given(
    edits=st.lists(
        st.tuples(st.integers(12, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=2
    )
)
def test_what_dnspython_reads_is_not_called_malformed_but_for_subnets(authority, edits):
    data = _edited(GOOD, edits)
    assume(reads_as_query(data))
    query = wire.scan(data)
    assert query is not None
    if isinstance(query, wire.Rejection):
        # dnspython takes a later EDNS version and names that point backwards into the header.
        assert query.rcode == wire.BADVERS or data[12] >= 0xC0 or _dotted_pointer(data)


def _dotted_pointer(data):
    at = 12
    while 0 < data[at] < 64:
        at += data[at] + 1
    return data[at] >= 0xC0


def _edited(packet, edits):
    octets = bytearray(packet)
    for at, value in edits:
        octets[at] = value
    return bytes(octets)
