"""A million packets of rubbish: no exception, no reply to what asks for none, none too long.

    python -m bench.dns_fuzz [--packets N] [--seed N]

Most are real queries with a few octets changed, cut or doubled; those reach furthest. Every reply
that was ready is compared with the one worked out from nothing, and one in fifty is read by
dnspython. `tests/routing/dns/test_fuzz.py` does the same with fewer packets.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
from collections import Counter

import dns.message

from bench.dns_load import NOISY, PLAIN
from bench.dns_world import DEFAULT, plan, topology
from sim.clock import Clock
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.routing.dns import wire
from sim.routing.resolver import Resolver

_SEEDS = 2_000
_READ_BACK = 50  # one reply in so many is read by dnspython too
_RCODES = {0: "NOERROR", 1: "FORMERR", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_WITH_RECORDS = (0, 3)
_OPT = len(wire.PLAIN_OPT)
SOURCE = "198.51.100.1"  # is in no location
TRANSPORTS: tuple[wire.Transport, ...] = ("udp", "tcp")


async def main() -> None:
    """Ask, check each reply, and say what came back."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    clock = Clock()
    resolver = Resolver(topology(), plan(), clock, Journal(clock))
    start_ms, start_kb = clock.real_ms(), _peak_kb()
    outcomes = fuzz(resolver, options.packets, options.seed)
    seconds = (clock.real_ms() - start_ms) / 1000
    print(f"{options.packets:,} packets in {seconds:.1f} s, seed {options.seed}: all in order")
    for outcome, count in outcomes.most_common():
        print(f"  {outcome:10} {count:>9,}")
    print(f"  {(_peak_kb() - start_kb) / 1024:.1f} MiB more memory at its peak")


def fuzz(resolver: Resolver, packets: int, seed: int) -> Counter[str]:
    """Send mangled packets; how many got which reply. Raises AssertionError at a wrong one."""
    authority = resolver._authority  # noqa: SLF001 - without the sockets
    rng = Rng(seed, "dns-fuzz")
    seeds = [mix.packet(rng) for mix in (PLAIN, NOISY) for _ in range(_SEEDS // 2)]
    outcomes: Counter[str] = Counter()
    for number in range(packets):
        packet = _mangle(rng.choice(seeds), rng)
        transport = TRANSPORTS[number % len(TRANSPORTS)]
        try:
            reply = authority.reply(packet, DEFAULT, SOURCE, transport)
            worked_out = authority._work_out(packet, DEFAULT, SOURCE, transport)  # noqa: SLF001
            assert reply == worked_out, "the ready reply is another"
            outcomes[_check(packet, reply, read_back=number % _READ_BACK == 0)] += 1
        except Exception as error:
            error.add_note(f"packet {number} of seed {seed} by {transport}: {packet.hex()}")
            raise
    return outcomes


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _mangle(packet: bytes, rng: Rng) -> bytes:
    octets = bytearray(packet)
    kind = rng.random()
    if kind < 0.05:
        return rng.randbytes(rng.randrange(100))
    if kind < 0.15:
        del octets[rng.randrange(len(octets)) :]
    elif kind < 0.25:
        at = rng.randrange(len(octets))
        octets[at:at] = octets[at : at + rng.randrange(40)]
    for _ in range(rng.randrange(4)):
        if octets:
            octets[rng.randrange(len(octets))] = rng.choice((0, 1, 8, 41, 63, 64, 192, 255))
    return bytes(octets)


def _check(packet: bytes, reply: bytes | None, *, read_back: bool) -> str:
    silent = len(packet) < wire.HEADER or packet[2] >= 0x80
    assert (reply is None) == silent, "a reply to what asks for none, or none to a query"
    if reply is None:
        return "no reply"
    assert reply[:2] == packet[:2], "another id"
    assert reply[2] >= 0x80, "no response"
    longest = wire.PLAIN_LIMIT if reply[3] & 15 in _WITH_RECORDS else len(packet) + _OPT
    assert len(reply) <= longest, "too long"
    if read_back and not packet[2] & 0x78:
        dns.message.from_wire(reply)
    return _RCODES[reply[3] & 15]


if __name__ == "__main__":
    asyncio.run(main())
