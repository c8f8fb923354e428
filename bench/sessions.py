"""Many sessions through links and edges: what is lost, and how much latency the simulator adds."""

from __future__ import annotations

import asyncio

from bench.common import ATLAS, run, table, world_of
from sim.cli.running import prepare_process

SESSIONS = 300
EVERY = "500ms"
SECONDS = 30


async def load() -> None:
    """All in New York, whose database is next door: what is above the link's 12 ms is ours."""
    topology = {**ATLAS, "locations": {"new-york": {}}, "links": ATLAS["links"][:1]}
    async with world_of(topology) as world:
        scenario = {
            "load": {"driver": "session", "clients": SESSIONS, "every": EVERY},
            "duration": f"{SECONDS}s",
        }
        evidence = await run(world, scenario)
        asked = world.links.link("new-york", "iad").rtt_ms
        asked += world.links.link("iad", "database").rtt_ms
    latencies = evidence.latencies_ms["new-york"]["iad"]
    ledger = evidence.ledger
    added = [f"{latencies.percentile(p) - asked:.1f}" for p in (50, 90, 99)]
    stalled = max((stall.real_ms for _, stall in evidence.history.stalls), default=0.0)
    row = [ledger.sent, ledger.acked, ledger.count("lost"), *added, f"{stalled:.0f}"]
    head = ["sent", "acked", "lost", "added p50 ms", "added p90 ms", "added p99 ms", "stall ms"]
    table(f"{SESSIONS} sessions, 2 messages a second each, {SECONDS} s", head, [row])


if __name__ == "__main__":
    prepare_process()
    asyncio.run(load())
