"""How long a world of two regions takes to be ready, and where the time goes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median

from common import ROOT, table

_PROGRAM = """
import asyncio, json, sys, time
began = time.perf_counter()
from pathlib import Path
from sim.topology.load import load_topology
from sim.world import World
imported = time.perf_counter()
async def main():
    async with World(load_topology(Path(sys.argv[1])), seed=7) as world:
        print(json.dumps({"imports": (imported - began) * 1000, **world.startup_ms}))
asyncio.run(main())
"""


def main(runs: int = 7) -> None:
    """Bring the same world up several times, each in a process of its own."""
    phases: dict[str, list[float]] = {}
    for _ in range(runs):
        topology = ROOT / "topologies" / "atlas-voice.yaml"
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, topology], stdout=subprocess.PIPE, text=True
        ) as process:
            line = process.stdout.readline() if process.stdout else ""
            ready_ms = (time.perf_counter() - began) * 1000
        for name, ms in {**json.loads(line), "ready": ready_ms}.items():
            phases.setdefault(name, []).append(ms)
    rows = [
        [name, f"{min(ms):.0f}", f"{median(ms):.0f}", f"{max(ms):.0f}"]
        for name, ms in phases.items()
    ]
    head = ["phase", "least ms", "median ms", "most ms"]
    table(f"`sim up` of two regions, {runs} times (aim: ready in 2500 ms)", head, rows)
    print("\ndatabase then machines run beside doors (edges and links) and nameservers.")


if __name__ == "__main__":
    main()
