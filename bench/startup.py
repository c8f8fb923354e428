"""How long a world of two regions takes to be ready, and where the time goes."""

from __future__ import annotations

import asyncio
import json
import sys
from statistics import median

from bench.common import ROOT, table
from sim.clock import Clock

_PROGRAM = """
import asyncio, json, sys, time
began = time.perf_counter()
from pathlib import Path
from sim.topology.load_topology import load_topology
from sim.world import World
imported = time.perf_counter()
async def main():
    async with World(load_topology(Path(sys.argv[1])), seed=7) as world:
        took_ms = {"imports": (imported - began) * 1000, **world.startup.took_ms}
        print(json.dumps(took_ms), flush=True)
asyncio.run(main())
"""


async def startup(runs: int = 7) -> None:
    """Bring the same world up several times, each in a process of its own."""
    clock = Clock()
    phases: dict[str, list[float]] = {}
    for _ in range(runs):
        began = clock.real_ms()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROGRAM, str(ROOT / "topologies" / "atlas-voice.yaml")),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        found = json.loads(await process.stdout.readline())
        found["ready, from the start of the process"] = clock.real_ms() - began
        await process.wait()
        for name, ms in found.items():
            phases.setdefault(name, []).append(ms)
    rows = [
        [name, f"{min(ms):.0f}", f"{median(ms):.0f}", f"{max(ms):.0f}"]
        for name, ms in phases.items()
    ]
    head = ["phase", "least ms", "median ms", "most ms"]
    table(f"`sim up` of two regions, {runs} times (aim: ready in 2500 ms)", head, rows)
    print("\nDatabase, then machines; beside them doors (edges, links) and nameservers.")


if __name__ == "__main__":
    asyncio.run(startup())
