"""`make soak`: one world for many minutes, under load and faults that a seed draws.

It runs in rounds: the load connects, two faults are done and healed, every client comes back. What
must always be so is asked throughout (`bench.invariants`), the ledger and the verdict after each
round, and at the end the world holds no more than it did after its first round.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from bench.common import ATLAS, machine, run, table, world_of
from bench.household import Household
from bench.invariants import Watch
from sim.clock import Clock
from sim.observe.outages import Outage
from sim.rng import Rng, fresh_seed
from sim.scenario.verdict import judge

SPEED = 2.0
ROUND_S = 50  # simulated; the last faults are healed 20 s before its end
_MORE_MEMORY = 1.3  # times what it was, and a little: an allocator keeps what it has once had
_LITTLE_MIB = 32

TOPOLOGY: dict[str, Any] = {
    **ATLAS,
    "app": "soak",
    "gateway": {
        **ATLAS["gateway"],
        "checks": [{"type": "http", "path": "/healthz", "interval": "4s", "timeout": "5s"}],
    },
    "regions": {"iad": {"primary": True, "machines": 2}, "fra": {}, "nrt": {}},
    "locations": {"new-york": {"share": 40}, "london": {"share": 40}, "tokyo": {"share": 20}},
    "routing": {"ttl": "5s"},
}

# Every client is near to one region, so that each of these is felt by somebody.
_NEAREST = {"new-york": "iad", "london": "fra", "tokyo": "nrt"}
_ON_REGIONS = ("crash", "stop", "freeze", "sicken", "deploy")
_ON_LINKS: Mapping[str, Mapping[str, Any]] = {
    "partition": {},
    "slow": {"latency": "80ms", "jitter": "10ms"},
    "reset": {},
    "loss": {"share": 0.02},
    "flap": {"period": "4s"},
}
_ON_LOCATIONS = ("dns_outage", "stale_dns")
# What the check of sessions says, rightly, where the faults that were drawn cut nobody off.
_NOTHING_TO_RESUME = "no session was interrupted"


def timeline(rng: Rng) -> list[dict[str, Any]]:
    """Two faults, one after the other, each healed before the next."""
    found: list[dict[str, Any]] = []
    for earliest in (4.0, 17.0):
        begin = earliest + rng.uniform(0, 4)
        found += [
            {"at": f"{begin:.2f}s", **_fault(rng)},
            {"at": f"{begin + rng.uniform(3, 8):.2f}s", "fault": "heal"},
        ]
    return found


def _fault(rng: Rng) -> dict[str, Any]:
    location = rng.choice(sorted(_NEAREST))
    region = _NEAREST[location]
    name = rng.choice([*_ON_REGIONS, *_ON_LINKS, *_ON_LOCATIONS, "service_outage"])
    if name in _ON_REGIONS:
        return {"fault": name, "region": region}
    if name in _ON_LINKS:
        return {"fault": name, "link": [location, region], **_ON_LINKS[name]}
    if name in _ON_LOCATIONS:
        return {"fault": name, "location": location}
    return {"fault": name, "service": "database"}


def scenario(sessions: int, rng: Rng) -> dict[str, Any]:
    """One round."""
    return {
        "load": {"driver": "session", "clients": sessions, "every": "2s", "timeout": "4s"},
        "timeline": timeline(rng),
        "duration": f"{ROUND_S}s",
        "expect": [
            {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
            {"check": "sessions", "resumed": "all"},
        ],
    }


async def soak(rounds: int, sessions: int, seed: int, speed: float = SPEED) -> list[list[object]]:
    """A row for each round. Raises AssertionError, with the seed and the round, where one broke."""
    rng = Rng(seed).fork("soak")
    rows: list[list[object]] = []
    first: Household | None = None
    clock = Clock()
    async with world_of(TOPOLOGY, seed=seed, speed=speed) as world:
        watch = Watch(world)
        for number in range(rounds):
            document = scenario(sessions, rng.fork(str(number)))
            began = clock.real_ms()
            watching = asyncio.create_task(watch.watch())
            evidence = await run(world, document)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            verdict = judge(evidence)
            broken = [*watch.broken, *await watch.at_rest()]
            broken += [
                finding.why
                for _, finding in verdict.findings
                if finding.held is not True and finding.why != _NOTHING_TO_RESUME
            ]
            broken += [doubt for doubt in verdict.doubts if "touched no client" not in doubt]
            broken += [
                f"{outage} does not add up"
                for outage in evidence.outages
                if abs(outage.seconds - _parts(outage)) > 0.01
            ]
            faults = [event["fault"] for event in document["timeline"][::2]]
            assert not broken, f"seed {seed}, round {number}, {faults}: {broken}"
            worst = max((outage.seconds for outage in evidence.outages), default=0.0)
            ledger = evidence.ledger
            del evidence, verdict
            now = await Household.settled(first)
            first = first or now
            assert now.no_more_than(first), f"seed {seed}, round {number}: {first} became {now}"
            seconds = (clock.real_ms() - began) / 1000
            rows.append(
                [
                    *(number, " + ".join(faults), ledger.sent, ledger.acked, f"{worst:.1f}"),
                    *(now.descriptors, now.tasks, now.memory_mib, f"{seconds:.0f}"),
                ]
            )
    if first:
        bound = first.memory_mib * _MORE_MEMORY + _LITTLE_MIB
        assert now.memory_mib <= bound, f"seed {seed}: {first} became {now}"
    return rows


def _parts(outage: Outage) -> float:
    return outage.detection_s + outage.dns_s + outage.recovery_s + outage.reconnect_s


def main() -> None:
    """Soak for some minutes; print a row for each round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = fresh_seed() if asked.seed is None else asked.seed
    rounds = max(2, round(asked.minutes * 60 * SPEED / ROUND_S))
    print(f"Soak, seed {seed}, {rounds} rounds, on {machine()}.", flush=True)
    rows = asyncio.run(soak(rounds, asked.sessions, seed))
    head = ["round", "faults", "sent", "acked", "worst outage s", "descriptors", "tasks", "MiB"]
    table(f"{asked.sessions} sessions, speed {SPEED:g}", [*head, "took s"], rows)


if __name__ == "__main__":
    main()
