"""Whether outages are as long as theory says: detection, DNS, and the round trip of links.

Two things decide how long a crash cuts a client off: when the next check falls, and how old the
client's cached answer is. Both are spread evenly here, over one interval and over one TTL, in
twenty crashes that pair them without correlation. So the mean detection is half the interval. An
answer that is still held at the detection has then a remaining life spread evenly in [0, TTL),
with a mean of half of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from bench.common import ATLAS, run, table, world_of
from sim.scenario.runner import ScenarioWorld
from sim.world import World

INTERVAL_S = 30
TIMEOUT_S = 5
TTL_S = 30
CRASHES = 20
SPEED = 5.0
WORLDS = 5  # side by side: nearly all of the time is spent waiting
# Each age meets another delay (STEP is coprime to CRASHES). Their sum, which decides how much of an
# answer's life is left at the detection, then falls on the middles of five equal parts of the TTL.
STEP, FIRST = 7, 1
CONNECTIONS = 4  # few: a link, an edge and these clients share one core
TURNS = 250

_CHECK = {
    "type": "http",
    "path": "/healthz",
    "interval": f"{INTERVAL_S}s",
    "timeout": f"{TIMEOUT_S}s",
    "grace_period": "1s",  # the first crash comes soon after the start
}
TOPOLOGY = {
    **ATLAS,
    "gateway": {**ATLAS["gateway"], "checks": [_CHECK]},
    "locations": {"london": {"share": 100}},
    "links": ATLAS["links"][1:],
    "routing": {"ttl": f"{TTL_S}s"},
}


@dataclass(frozen=True)
class Crash:
    """A crash at `age_s` after the clients were answered, found `found_s` after it happened."""

    age_s: float
    found_s: float


@dataclass(frozen=True)
class Cost:
    """What the clients of a crash spent on it: the mean of each part, and the DNS part's range."""

    crash: Crash
    detection_s: float
    dns_s: float
    dns_range_s: tuple[float, float]
    reconnect_s: float


class _Aligned:
    """A world whose checks fall so that a crash of fra is found at a given instant."""

    def __init__(self, world: World, found_at_s: float) -> None:
        self._world = world
        self._found_at_s = found_at_s

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    @property
    def health(self) -> _Aligned:
        return self

    def align(self, start: float) -> None:
        checker, (machine,) = self._world.health, self._world.fleet.in_region("fra")
        checker.align(start)
        phase_s = (checker.may_change_at(machine.id) - start) % INTERVAL_S
        checker.align(start + self._found_at_s - phase_s)


def evenly() -> list[Crash]:
    """The crashes: the middles of equal parts of the TTL, paired with those of the interval."""
    parts = [(number + 0.5) / CRASHES for number in range(CRASHES)]
    return [
        Crash(TTL_S * part, INTERVAL_S * parts[(number * STEP + FIRST) % CRASHES])
        for number, part in enumerate(parts)
    ]


async def cost(world: World, crash: Crash) -> Cost:
    """Kill Frankfurt under clients in London, and start it again."""
    stage: ScenarioWorld = _Aligned(world, crash.age_s + crash.found_s)  # type: ignore[assignment] # by name
    evidence = await run(
        stage,
        {
            # Quick attempts, so that a cache is asked soon after it has run out; and patient
            # ones: at this speed a connection across an ocean takes seconds.
            "load": {
                "driver": "echo",
                "clients": 10,
                "every": "500ms",
                "timeout": "20s",
                "backoff": {"base": "250ms", "max": "500ms"},
            },
            "timeline": [{"at": f"{crash.age_s}s", "fault": "crash", "region": "fra"}],
            "duration": f"{crash.age_s + INTERVAL_S + TTL_S + 15}s",
        },
    )
    # An outage begins with the last answer; the crash came up to one pace later.
    hit = [outage for outage in evidence.outages if outage.region == "fra"]
    dns = [outage.dns_s for outage in hit]
    for dead in world.fleet.in_region("fra"):
        await world.fleet.start(dead)
    return Cost(
        crash,
        mean(outage.detection_s - (crash.age_s - outage.from_s) for outage in hit),
        mean(dns),
        (min(dns), max(dns)),
        mean(outage.reconnect_s for outage in hit),
    )


async def costs() -> list[Cost]:
    """Of each crash what it cost, the youngest answer first."""

    async def some(crashes: Sequence[Crash]) -> list[Cost]:
        async with world_of(TOPOLOGY, speed=SPEED) as world:
            return [await cost(world, crash) for crash in crashes]

    crashes = evenly()
    parts = await asyncio.gather(*(some(crashes[part::WORLDS]) for part in range(WORLDS)))
    return sorted((c for part in parts for c in part), key=lambda c: c.crash.age_s)


async def round_trips() -> list[list[str]]:
    """The round trip that clients measure on open connections, against what was configured.

    Jitter spreads single samples by several milliseconds; a median of a thousand strays by 0.2.
    """
    rows = []
    topology = {**ATLAS, "locations": {**ATLAS["locations"], "tokyo": {"share": 40}}}
    async with world_of(topology) as world:
        for location, region in (("new-york", "iad"), ("london", "fra"), ("tokyo", "iad")):
            asked = world.links.link(location, region).rtt_ms
            endpoint = world.plan.link(location, region)
            samples = await asyncio.gather(
                *(_turns(endpoint.host, endpoint.port) for _ in range(CONNECTIONS))
            )
            middle = median(time for times in samples for time in times)
            figures = [f"{value:.2f}" for value in (asked, middle, middle - asked)]
            rows.append([f"{location} → {region}", *figures])
    return rows


async def _turns(host: str, port: int) -> list[float]:
    """How long an edge takes to answer, time after time on one connection, in milliseconds."""
    reader, writer = await asyncio.open_connection(host, port)
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(TURNS):
        began = loop.time()
        writer.write(b"OPTIONS * HTTP/1.1\r\nHost: edge\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        times.append((loop.time() - began) * 1000)
    writer.close()
    await writer.wait_closed()
    return times


def main() -> None:
    """Print both tables."""
    found = asyncio.run(costs())
    head = ["answer's age s", "found after s", "detection s", "DNS s", "DNS range s", "reconnect s"]
    rows = []
    for each in found:
        figures = (each.crash.age_s, each.crash.found_s, each.detection_s, each.dns_s)
        low, high = each.dns_range_s
        rows.append(
            [*(f"{f:.1f}" for f in figures), f"{low:.1f}-{high:.1f}", f"{each.reconnect_s:.1f}"]
        )
    table(f"{CRASHES} crashes, speed {SPEED:g}: means over the clients hit", head, rows)
    detections, dns = [c.detection_s for c in found], [c.dns_s for c in found]
    spans = [*zip(*(c.dns_range_s for c in found), strict=True)]
    summary = []
    for name, values, low, high, whole, bound in (
        ("detection", detections, min(detections), max(detections), INTERVAL_S, TIMEOUT_S),
        ("DNS", dns, min(spans[0]), max(spans[1]), TTL_S, 0),
    ):
        theory, measured = whole / 2, mean(values)
        error = f"{(measured - theory) / theory:+.1%}"
        inside = "yes" if low >= 0 and high <= whole + bound else "NO"
        summary.append(
            [name, f"{theory:.1f}", f"{measured:.1f}", error, f"{low:.1f}-{high:.1f}", inside]
        )
    head = ["part", "theory s", "measured s", "error", "range s", "within bounds"]
    table("Means against theory (aim: within 10 %)", head, summary)
    head = ["link", "configured ms", "median ms", "error ms"]
    table("Round trip of links (aim: within 2 ms)", head, asyncio.run(round_trips()))


if __name__ == "__main__":
    main()
