"""Whether outages are as long as theory says: detection, DNS, and the round trip of links.

Twenty crashes are spread evenly over one check interval, while a client's answer has a fixed age
at the load's start. A check falls once in every interval, so detection is uniform in [0, interval)
and its mean is half of it; the time for which a cached answer outlives the detection is uniform in
[0, TTL) as long as TTL and interval are the same, with a mean of half of it.
"""

from __future__ import annotations

import asyncio
from statistics import mean, median

from bench.common import ATLAS, run, table, world_of

INTERVAL_S = 30
TTL_S = 30
CRASHES = 20
SPEED = 20.0


async def crashes(speed: float) -> list[tuple[float, float, float, float]]:
    """Of each crash: its instant, and the mean detection, DNS and reconnect time of its clients."""
    found = []
    async with world_of(ATLAS, speed=speed) as world:
        for number in range(CRASHES):
            at = 20 + number * INTERVAL_S / CRASHES
            evidence = await run(
                world,
                {
                    # Quick attempts, so that a cache is asked soon after it has run out; and
                    # patient ones: at this speed a connection across an ocean takes 6 s.
                    "load": {
                        "driver": "session",
                        "clients": 20,
                        "every": "1s",
                        "timeout": "20s",
                        "backoff": {"base": "250ms", "max": "1s"},
                    },
                    "timeline": [{"at": f"{at}s", "fault": "crash", "region": "fra"}],
                    "duration": f"{at + 80}s",
                },
            )
            hit = [o for o in evidence.outages if o.location == "london" and o.region == "fra"]
            # The outage begins with the last answer; the crash came up to one pace later.
            detection = [o.detection_s - (at - o.from_s) for o in hit]
            dns, reconnect = [o.dns_s for o in hit], [o.reconnect_s for o in hit]
            found.append((at, mean(detection), mean(dns), mean(reconnect)))
            for dead in world.fleet.in_region("fra"):
                await world.fleet.start(dead)
    return found


async def round_trips() -> list[list[str]]:
    """The round trip that a client measures on an open connection, against what was configured."""
    rows = []
    topology = {**ATLAS, "locations": {**ATLAS["locations"], "tokyo": {"share": 40}}}
    async with world_of(topology) as world:
        for location, region in (("new-york", "iad"), ("london", "fra"), ("tokyo", "iad")):
            asked = world.links.link(location, region).rtt_ms
            endpoint = world.plan.link(location, region)
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            loop = asyncio.get_running_loop()
            times = []
            for _ in range(50):
                began = loop.time()
                writer.write(b"OPTIONS * HTTP/1.1\r\nHost: edge\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
                times.append((loop.time() - began) * 1000)
            writer.close()
            middle = median(times)
            figures = [f"{value:.2f}" for value in (asked, middle, middle - asked)]
            rows.append([f"{location} → {region}", *figures])
    return rows


def main() -> None:
    """Print both tables."""
    found = asyncio.run(crashes(SPEED))
    rows = [[f"{at:.1f}", *(f"{value:.1f}" for value in values)] for at, *values in found]
    head = ["crash at s", "detection s", "DNS s", "reconnect s"]
    table(f"{CRASHES} crashes, speed {SPEED:g}: means over the clients hit", head, rows)
    summary = []
    for name, column, whole in (("detection", 1, INTERVAL_S), ("DNS", 2, TTL_S)):
        theory, measured = whole / 2, mean(row[column] for row in found)
        error = f"{(measured - theory) / theory:+.1%}"
        inside = all(-0.5 <= row[column] <= whole + 5 for row in found)
        summary.append([name, f"{theory:.1f}", f"{measured:.1f}", error, "yes" if inside else "NO"])
    head = ["part", "theory s", "measured s", "error", "all within bounds"]
    table("Means against theory (aim: within 10 %)", head, summary)
    head = ["link", "configured ms", "median ms", "error ms"]
    table("Round trip of links (aim: within 2 ms)", head, asyncio.run(round_trips()))


if __name__ == "__main__":
    main()
