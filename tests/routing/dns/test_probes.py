"""The probe table: how the name server takes what is unusual, malformed or hostile.

The expectations are gdnsd's own: where gdnsd is installed it has to meet them too, except where a
row says why we differ.
"""

import asyncio
import shutil
import struct
from typing import NamedTuple

import dns.edns
import dns.message
import dns.rcode
import pytest

from tests.slot import address

HOST = b"\x0eatlas-voice-v2\x03fly\x03dev\0"
APEX = b"\x03fly\x03dev\0"
GDNSD = (address("240.1"), 20531)


class Probe(NamedTuple):
    """A packet, and `summary` of its reply."""

    name: str
    packet: bytes
    reply: str
    differs: str = ""  # from gdnsd, and why


def query(name=HOST, rtype=1, rclass=1, flags=b"\0\0", counts=(1, 0, 0, 0), rest=b""):
    question = name + struct.pack("!HH", rtype, rclass)
    return b"\x12\x34" + flags + struct.pack("!4H", *counts) + question + rest


def opt(options=b"", size=1232, version=0, flags=0, owner=b"\0"):
    fixed = struct.pack("!HHBBHH", 41, size, 0, version, flags, len(options))
    return owner + fixed + options


def option(code, data):
    return struct.pack("!HH", code, len(data)) + data


def ecs(family=1, source=24, scope=0, address=bytes((81, 2, 69))):
    return option(8, struct.pack("!HBB", family, source, scope) + address)


def edns(options=b"", **parts):
    return query(counts=(1, 0, 0, 1), rest=opt(options, **parts))


def raw(octets, questions=1):
    return b"\x12\x34\0\0" + struct.pack("!4H", questions, 0, 0, 0) + octets


RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
SIGNATURE = b"\1k\0" + struct.pack("!HHIH", 250, 255, 0, 2) + b"xx"
COOKIE = option(10, b"12345678")

PROBES = [
    # ordinary
    Probe("a query", query(), "NOERROR aa 1"),
    Probe("with EDNS", edns(), "NOERROR aa 1 edns"),
    Probe("with DO", edns(flags=0x8000), "NOERROR aa 1 edns do"),
    Probe("EDNS size 0 counts as 512", edns(size=0), "NOERROR aa 1 edns"),
    Probe("an unknown option", edns(option(65001, b"hi")), "NOERROR aa 1 edns"),
    Probe("RD is copied", query(flags=b"\1\0"), "NOERROR aa rd 1"),
    Probe("AD and CD are not", query(flags=b"\0\x30"), "NOERROR aa 1"),
    Probe("senseless flags", query(flags=b"\6\xcf"), "NOERROR aa 1"),
    Probe("mixed case", query(HOST.replace(b"voice", b"VoIcE")), "NOERROR aa 1"),
    Probe("AAAA", query(rtype=28), "NOERROR aa 0 soa"),
    Probe("HTTPS", query(rtype=65), "NOERROR aa 0 soa"),
    Probe("type 0", query(rtype=0), "NOERROR aa 0 soa"),
    Probe("SOA", query(APEX, 6), "NOERROR aa 1"),
    Probe("NS", query(APEX, 2), "NOERROR aa 1"),
    Probe("no such name", query(b"\1x" + HOST), "NXDOMAIN aa 0 soa"),
    Probe("a zero inside a label", query(b"\3a\0b" + HOST), "NXDOMAIN aa 0 soa"),
    Probe("outside the zone", query(b"\7example\3com\0"), "REFUSED 0"),
    Probe("the root", query(b"\0", 2), "REFUSED 0"),
    # what must not be answered, or not like this
    Probe("a response", query(flags=b"\x80\0"), "drop"),
    Probe("a malformed response", b"\x12\x34\x80\0" + bytes(8), "drop"),
    Probe("11 octets", query()[:11], "drop"),
    Probe("STATUS", query(flags=b"\x10\0"), "NOTIMP 0"),
    Probe("NOTIFY", query(flags=b"\x20\0"), "NOTIMP 0"),
    Probe("UPDATE", query(flags=b"\x28\0"), "NOTIMP 0"),
    Probe("opcode 15", query(flags=b"\x78\0"), "NOTIMP 0"),
    Probe("ANY", query(rtype=255), "NOERROR aa 1"),
    Probe("ANY at the apex", query(APEX, 255), "NOERROR aa 1"),
    Probe("AXFR", query(APEX, 252), "NOTIMP 0"),
    Probe("IXFR", query(APEX, 251), "NOTIMP 0"),
    Probe("TSIG as a question", query(rtype=250), "NOTIMP 0"),
    Probe("class NONE", query(rclass=254), "REFUSED 0"),
    Probe("class ANY", query(rclass=255), "REFUSED 0", "no one has authority over every class"),
    Probe("CHAOS", query(b"\7version\4bind\0", 16, 3), "REFUSED 0", "says nothing of itself"),
    # malformed messages
    Probe("no question", raw(b"", 0), "FORMERR 0"),
    Probe("two questions", query(counts=(2, 0, 0, 0), rest=HOST + b"\0\1\0\1"), "FORMERR 0"),
    Probe("a header only", raw(b""), "FORMERR 0"),
    Probe("a cut name", raw(HOST[:10]), "FORMERR 0"),
    Probe("a cut type", raw(HOST + b"\0"), "FORMERR 0"),
    Probe("a pointer to itself", raw(b"\xc0\x0c\0\1\0\1"), "FORMERR 0"),
    Probe("a pointer ahead", raw(b"\1a\xc0\x20\0\1\0\1"), "FORMERR 0"),
    Probe("label type 0x80", raw(b"\x80" + b"a" * 128 + b"\0\0\1\0\1"), "FORMERR 0"),
    Probe("label type 0x40", raw(b"\x40" + b"a" * 64 + b"\0\0\1\0\1"), "FORMERR 0"),
    Probe("a name of 257", raw((b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1"), "FORMERR 0"),
    Probe("junk behind", query(rest=b"junkjunk"), "NOERROR aa 1"),
    Probe("an answer missing", query(counts=(1, 1, 0, 0)), "FORMERR 0"),
    Probe("an answer in it", query(counts=(1, 1, 0, 0), rest=RECORD), "NOERROR aa 1"),
    Probe("an addition missing", query(counts=(1, 0, 0, 1)), "FORMERR 0"),
    Probe("an addition of junk", query(counts=(1, 0, 0, 1), rest=b"\xff\xff\xff"), "FORMERR 0"),
    Probe("an addition cut", query(counts=(1, 0, 0, 1), rest=RECORD[:-2]), "FORMERR 0"),
    Probe(
        "33 additions",
        query(counts=(1, 0, 0, 33), rest=RECORD * 33),
        "FORMERR 0",
        "no query brings so many",
    ),
    Probe("a signature", query(counts=(1, 0, 0, 1), rest=SIGNATURE), "NOERROR aa 1"),
    # EDNS
    Probe("EDNS version 1", edns(version=1), "BADVERS 0 edns"),
    Probe("version 1, bad option", edns(ecs(family=3), version=1), "BADVERS 0 edns"),
    Probe("two OPTs", query(counts=(1, 0, 0, 2), rest=opt() + opt()), "FORMERR 0 edns"),
    Probe("OPT cut", edns()[:-3], "FORMERR 0"),
    Probe("OPT too long", edns()[:-2] + b"\0\x10", "FORMERR 0 edns"),
    Probe("an option cut", edns(b"\0\x08\0"), "FORMERR 0 edns"),
    Probe("an option too long", edns(b"\0\x08\0\x20\0\1"), "FORMERR 0 edns"),
    Probe("another option cut", edns(b"\xfd\xe9\0"), "FORMERR 0 edns"),
    Probe("another option too long", edns(b"\xfd\xe9\0\x20\0\1"), "FORMERR 0 edns"),
    Probe(
        "an error gives RD back",
        edns(version=1)[:2] + b"\1" + edns(version=1)[3:],
        "BADVERS rd 0 edns",
    ),
    Probe(
        "OPT not of the root",
        query(counts=(1, 0, 0, 1), rest=opt(owner=b"\1a\0")),
        "FORMERR 0",
        "RFC 6891, 6.1.2: MUST be the root",
    ),
    Probe(
        "OPT among the answers",
        query(counts=(1, 1, 0, 0), rest=opt()),
        "FORMERR 0",
        "RFC 6891, 6.1.1: belongs to the additional section",
    ),
    # client subnets
    Probe("ECS /24", edns(ecs()), "NOERROR aa 1 edns /24"),
    Probe("ECS /32", edns(ecs(1, 32, 0, bytes((81, 2, 69, 5)))), "NOERROR aa 1 edns /24"),
    Probe("ECS /0", edns(ecs(1, 0, 0, b"")), "NOERROR aa 1 edns /0"),
    Probe("ECS behind a cookie", edns(COOKIE + ecs()), "NOERROR aa 1 edns /24"),
    Probe(
        "ECS behind a record",
        query(counts=(1, 0, 0, 2), rest=RECORD + opt(ecs())),
        "NOERROR aa 1 edns /24",
    ),
    Probe(
        "ECS before a record",
        query(counts=(1, 0, 0, 2), rest=opt(ecs()) + RECORD),
        "NOERROR aa 1 edns /24",
    ),
    Probe(
        "ECS of no such name",
        query(b"\1x" + HOST, counts=(1, 0, 0, 1), rest=opt(ecs())),
        "NXDOMAIN aa 0 soa edns /0",
    ),
    Probe(
        "ECS of the SOA",
        query(APEX, 6, counts=(1, 0, 0, 1), rest=opt(ecs())),
        "NOERROR aa 1 edns /0",
    ),
    Probe(
        "ECS of no such type",
        query(rtype=28, counts=(1, 0, 0, 1), rest=opt(ecs())),
        "NOERROR aa 0 soa edns /0",
        "no location has an AAAA record",
    ),
    Probe("ECS family 0", edns(ecs(0, 0, 0, b"")), "FORMERR 0 edns"),
    Probe("ECS family 3", edns(ecs(3)), "FORMERR 0 edns"),
    Probe("ECS with a scope", edns(ecs(scope=24)), "FORMERR 0 edns"),
    Probe("ECS too long", edns(ecs(address=bytes((81, 2, 69, 0)))), "FORMERR 0 edns"),
    Probe("ECS too short", edns(ecs(address=bytes((81, 2)))), "FORMERR 0 edns"),
    Probe("ECS dirty bits", edns(ecs(1, 20, 0, bytes((81, 2, 0x4F)))), "FORMERR 0 edns"),
    Probe("ECS /33", edns(ecs(1, 33, 0, bytes(5))), "FORMERR 0 edns"),
    Probe("ECS IPv6 /129", edns(ecs(2, 129, 0, bytes(17))), "FORMERR 0 edns"),
    Probe("ECS of 2 octets", edns(option(8, b"\0\1")), "FORMERR 0 edns"),
    Probe("ECS twice", edns(ecs() + ecs()), "FORMERR 0 edns", "which of them would count?"),
]


def summary(reply):
    """What matters of a reply: code, AA, RD, number of answers, SOA, EDNS, DO, ECS scope."""
    if reply is None:
        return "drop"
    assert reply[:2] == b"\x12\x34"
    assert reply[2] & 0x80
    # Read as a reply to an ordinary query: dnspython has other classes for other opcodes.
    message = dns.message.from_wire(reply[:2] + bytes((reply[2] & 0x87,)) + reply[3:])
    said = [dns.rcode.to_text(message.rcode())]
    said += [word for word, bit in (("aa", 4), ("rd", 1)) if reply[2] & bit]
    said += [str(sum(len(rrset) for rrset in message.answer))]
    said += ["soa"] if any(rrset.rdtype == 6 for rrset in message.authority) else []
    said += ["edns"] if message.edns >= 0 else []
    said += ["do"] if message.ednsflags & 0x8000 else []
    said += [f"/{o.scopelen}" for o in message.options if isinstance(o, dns.edns.ECSOption)]
    return " ".join(said)


each_probe = pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)


@each_probe
async def test_a_probe_gets_the_reply_of_the_table(authority, probe):
    assert summary(authority.reply(probe.packet, "london", address("2.10"))) == probe.reply
    over_tcp = authority.reply(probe.packet, "london", address("2.10"), "tcp")
    assert summary(over_tcp) == probe.reply


class _Udp(asyncio.DatagramProtocol):
    def __init__(self):
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data, _addr):
        self.received.put_nowait(data)


CONTROL = b"\xff\xff" + query()[2:]


async def over_udp(endpoint, packets):
    """The replies to packets by UDP; an ordinary query after each tells that none will come."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Udp, remote_addr=endpoint)
    replies = []
    for packet in packets:
        transport.sendto(packet)
        transport.sendto(CONTROL)
        reply = await protocol.received.get()
        replies.append(None if reply[:2] == CONTROL[:2] else reply)
        if reply[:2] != CONTROL[:2]:
            await protocol.received.get()
    transport.close()
    return replies


async def over_tcp(endpoint, packets):
    """The replies to packets by TCP, each on a connection of its own with a query behind it.

    A server may answer what is no query by closing the connection.
    """
    replies = []
    for packet in packets:
        reader, writer = await asyncio.open_connection(*endpoint)
        writer.writelines(struct.pack("!H", len(part)) + part for part in (packet, CONTROL))
        try:
            size = int.from_bytes(await reader.readexactly(2), "big")
            reply = await reader.readexactly(size)
        except (ConnectionError, asyncio.IncompleteReadError):
            reply = CONTROL
        replies.append(None if reply[:2] == CONTROL[:2] else reply)
        writer.transport.abort()
    return replies


def table(probes, replies):
    return {probe.name: summary(reply) for probe, reply in zip(probes, replies, strict=True)}


@pytest.mark.parametrize("ask", [over_udp, over_tcp])
async def test_the_table_holds_over_real_sockets(resolver, plan, ask):
    endpoint = (plan.nameserver("london"), resolver.port)
    replies = await ask(endpoint, [probe.packet for probe in PROBES])
    assert table(PROBES, replies) == {probe.name: probe.reply for probe in PROBES}


GDNSD_CONFIG = """
options => {{ listen => ["{host}:{port}"], run_dir => "{folder}/run", state_dir => "{folder}/state",
  udp_threads => 1, tcp_threads => 1 }}
plugins => {{ geoip => {{
  maps => {{ m => {{ datacenters => [iad, fra], nets => {{ 81.2.69.0/24 => [fra] }} }} }}
  resources => {{ app => {{ map => m, service_types => up,
    dcmap => {{ iad => {iad}, fra => {fra} }} }} }}
}} }}
"""
GDNSD_ZONE = """
@ 5 SOA ns.atlas-voice-v2.fly.dev. hostmaster.fly.dev. ( 1 3600 60 86400 5 )
@ 3600 NS ns.atlas-voice-v2.fly.dev.
ns.atlas-voice-v2 3600 A {nameserver}
atlas-voice-v2 30 DYNA geoip!app
"""


@pytest.fixture
async def gdnsd(tmp_path):
    """A running gdnsd with the same zone."""
    for folder in ("run", "state", "zones"):
        (tmp_path / folder).mkdir()
    host, port = GDNSD
    config = GDNSD_CONFIG.format(
        host=host, port=port, folder=tmp_path, iad=address("1.100"), fra=address("2.101")
    )
    (tmp_path / "config").write_text(config)
    (tmp_path / "zones" / "fly.dev").write_text(GDNSD_ZONE.format(nameserver=address("1.53")))
    process = await asyncio.create_subprocess_exec(
        "gdnsd", "-c", str(tmp_path), "start", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    said = b""
    while b"DNS listeners started" not in said:
        line = await process.stderr.readline()
        assert line, said.decode()
        said += line
    yield GDNSD
    process.terminate()
    await process.communicate()


@pytest.mark.skipif(not shutil.which("gdnsd"), reason="gdnsd is not installed")
@pytest.mark.parametrize("ask", [over_udp, over_tcp])
async def test_gdnsd_itself_meets_the_table(gdnsd, ask):
    alike = [probe for probe in PROBES if not probe.differs]
    replies = await ask(gdnsd, [probe.packet for probe in alike])
    assert table(alike, replies) == {probe.name: probe.reply for probe in alike}
