"""Whether `--speed` changes what a run shows: the same crash and seed, at 1, 5 and 10."""

from __future__ import annotations

import asyncio

from bench.common import ATLAS, run, table, world_of
from sim.observe.outages import by_location
from sim.scenario.verdict import judge

CRASH = {
    "load": {"driver": "session", "clients": 50, "every": "2s"},
    "timeline": [{"at": "20s", "fault": "crash", "region": "fra"}],
    "duration": "100s",
    "expect": [
        {"check": "outage", "location": "london", "max": "75s"},
        {"check": "outage", "location": "new-york", "max": "0s"},
        {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
        {"check": "sessions", "resumed": "all"},
    ],
}


async def at(speed: float) -> list[str]:
    """One row: the verdict and London's outage."""
    async with world_of(ATLAS, speed=speed) as world:
        evidence = await run(world, CRASH)
    group = next(g for g in by_location(evidence.outages) if g.location == "london")
    worst = group.worst
    seconds = (group.median_s, worst.seconds, worst.detection_s, worst.dns_s, worst.reconnect_s)
    return [f"{speed:g}", judge(evidence).outcome, *(f"{value:.1f}" for value in seconds)]


def main() -> None:
    """Print a row for each speed."""
    rows = [asyncio.run(at(speed)) for speed in (1.0, 5.0, 10.0)]
    head = ["speed", "verdict", "median s", "worst s", "detection s", "DNS s", "reconnect s"]
    table("The same run at three speeds (aim: the same verdict, outages within 15 %)", head, rows)


if __name__ == "__main__":
    main()
