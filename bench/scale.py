"""`make bench`: how much a world carries. Many sessions, many idle ones, many places at once.

    python -m bench.scale [--write docs/performance.md]

With `--write` the table in that page is replaced.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.common import ATLAS, machine, run, world_of
from bench.household import Household
from sim.cli.running import prepare_process
from sim.network.link_server import VARIABLE
from sim.topology.cities import CITIES
from sim.topology.geography import REGIONS, slug

SESSIONS, SESSION_SECONDS = 1000, 30
IDLE, IDLE_RAMP_SECONDS, IDLE_SECONDS = 5000, 60, 90
LOCATIONS = 100
_DESCRIPTORS_EACH = 5  # the client's, two of the link, two of the edge
_DESCRIPTORS_APART = 3  # the link's are another process's
_LINKS_PORT = 8474
_START, _END = "<!-- bench.scale begins -->", "<!-- bench.scale ends -->"

# One location next to the database: what is above the links' round trips is ours.
_NEAR: dict[str, Any] = {**ATLAS, "locations": {"new-york": {}}, "links": ATLAS["links"][:1]}
_PATH = (("new-york", "iad"), ("iad", "database"))


@contextlib.contextmanager
def links_apart() -> Iterator[None]:
    """The link server as a process of its own, with descriptors of its own, for the world to use.

    What `sim links serve` and SIM_TOXIPROXY are for where one process may not have enough.
    """
    command = [sys.executable, "-m", "sim", "links", "serve", "--port", str(_LINKS_PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        os.environ[VARIABLE] = f"http://127.0.0.1:{_LINKS_PORT}"
        try:
            yield
        finally:
            del os.environ[VARIABLE]
            server.terminate()


def cpu_s() -> float:
    """Processor seconds of this process so far."""
    spent = os.times()
    return spent.user + spent.system


async def busy() -> str:
    """Sessions that send two messages a second each."""
    async with world_of(_NEAR) as world:
        asked_ms = sum(world.links.link(*ends).rtt_ms for ends in _PATH)
        before = cpu_s()
        load = {"driver": "session", "clients": SESSIONS, "every": "500ms"}
        evidence = await run(world, {"load": load, "duration": f"{SESSION_SECONDS}s"})
        cores = (cpu_s() - before) / SESSION_SECONDS
    latencies = evidence.latencies_ms["new-york"]["iad"]
    p50, p99 = (latencies.percentile(p) - asked_ms for p in (50, 99))
    ledger, rate = evidence.ledger, evidence.ledger.acked / SESSION_SECONDS
    stall_ms = max((stall.real_ms for _, stall in evidence.history.stalls), default=0.0)
    return (
        f"{ledger.acked} of {ledger.sent} acknowledged ({rate:.0f}/s), {ledger.count('lost')} lost,"
        f" {len(evidence.outages)} outages; latency p50 +{p50:.0f} ms, p99 +{p99:.0f} ms; longest"
        f" stall {stall_ms:.0f} ms; {cores:.2f} cores of ours"
    )


async def idle() -> str:
    """Sessions that stay connected and say next to nothing."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < _DESCRIPTORS_EACH * IDLE:
        clients = min(IDLE, limit // _DESCRIPTORS_APART - 100)
        with links_apart():
            found = await _idle(clients)
        return f"{found} (the link server apart: {limit} descriptors for each process)"
    return await _idle(IDLE)


async def _idle(clients: int) -> str:
    async with world_of(_NEAR) as world:
        empty, before = Household.count(), cpu_s()
        every = f"{IDLE_RAMP_SECONDS}s"
        load = {"driver": "session", "clients": clients, "every": every, "timeout": "30s"}
        evidence = await run(world, {"load": load, "duration": f"{IDLE_SECONDS}s"})
        spent_s, full = cpu_s() - before, Household.count()
    ends = [end for of_one in evidence.history.disconnected.values() for _, end in of_one]
    broken = sum(not end.expected for end in ends)
    kib = (full.memory_mib - empty.memory_mib) * 1024 / clients
    return (
        f"{len(evidence.history.connected)} connected, {broken} broken off; {kib:.0f} KiB and"
        f" {spent_s * 1000 / clients:.1f} ms of processor for each, from connecting to closing"
    )


def places() -> dict[str, Any]:
    """A topology of many cities, and of every region that Fly.io has."""
    regions = [code for code, region in REGIONS.items() if region.active]
    return {
        **ATLAS,
        "app": "atlas-of-the-world",
        "regions": {code: {"primary": code == "iad"} for code in regions},
        "locations": {name: {} for name in sorted(map(slug, CITIES))[:LOCATIONS]},
        "links": [],
    }


async def wide(command: list[str]) -> str:
    """Seconds until a world of many places is ready, and where they go."""
    document = {**places(), "gateway": {"command": command}}
    before = cpu_s()
    async with world_of(document) as world:
        spent_s = cpu_s() - before
        took = {name: ms / 1000 for name, ms in world.startup.took_ms.items()}
    parts = ", ".join(f"{name} {s:.1f} s" for name, s in took.items() if name != "all")
    return f"{took['all']:.1f} s ({parts}); {spent_s:.1f} s of processor of ours"


TINY = [sys.executable, "-S", str(Path(__file__).with_name("tiny_gateway.py"))]
_MEASURED = (
    (f"{SESSIONS} sessions, 2 messages a second each", "none lost", busy),
    (f"{IDLE} idle sessions, connecting within {IDLE_RAMP_SECONDS} s", "all stay", idle),
    (
        f"{LOCATIONS} locations and 18 regions up, reference gateway",
        "5 s",
        lambda: wide(["python", "-m", "sim.gateway"]),
    ),
    (
        f"{LOCATIONS} locations and 18 regions up, a gateway that starts at once",
        "5 s",
        lambda: wide(TINY),
    ),
)


def main() -> None:
    """Measure, print, and write it into a page if asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    page = parser.parse_args().write
    prepare_process()
    lines = [f"Measured on {machine()}; load average before: {os.getloadavg()[0]:.1f}.", ""]
    lines += ["| what | aim | measured |", "| --- | --- | --- |"]
    for what, aim, measured in _MEASURED:
        lines.append(f"| {what} | {aim} | {asyncio.run(measured())} |")
        print(lines[-1], flush=True)
    if page:
        before, _, rest = page.read_text(encoding="utf-8").partition(_START)
        after = rest.partition(_END)[2]
        text = "\n".join(lines)
        page.write_text(f"{before}{_START}\n\n{text}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
