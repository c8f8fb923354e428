"""Rubbish, a little of it: `python -m bench.dns_fuzz` sends a million packets of the same kind."""

import tracemalloc

import dns.edns
import dns.message
import pytest

from bench.dns_fuzz import fuzz
from sim.rng import Rng

SOURCE = "198.51.100.1"


@pytest.mark.parametrize("seed", [1, 2])
def test_rubbish_gets_a_proper_reply_or_none_and_the_same_one_ready_or_not(build, topology, seed):
    outcomes = fuzz(build(topology), 5_000, seed)
    assert set(outcomes) == {"NOERROR", "NXDOMAIN", "FORMERR", "NOTIMP", "REFUSED", "no reply"}


def test_a_flood_of_names_and_subnets_does_not_grow_the_memory_without_bound(authority):
    rng = Rng(1, "flood")

    def flood(packets):
        for _ in range(packets):
            address = f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0"
            options: list[dns.edns.Option] = [dns.edns.ECSOption(address, 24)]
            name = f"{rng.hex_id(32)}.fly.dev"
            packet = dns.message.make_query(name, "A", options=options).to_wire()
            authority.reply(packet, "london", SOURCE)

    flood(600)  # the caches of answers are full
    tracemalloc.start()
    flood(600)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 600 client subnets, of which 8,192 may be known, and as many answers as were there before.
    assert kept < 2_000_000
    assert len(authority._common) <= 512
