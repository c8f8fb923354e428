"""How soon a change of health shows in the answers, under load."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import statistics
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from dnslib import DNSRecord

from bench.dns_load import dnsperf
from bench.dns_peers import FLIPPING, PORT, Running
from bench.dns_world import DEFAULT, HOMES, HOSTNAME, plan
from sim.clock import Clock

_NUMBER = 9
_PACE_S = 0.0005  # between two questions


@dataclass(frozen=True)
class Answer:
    """One answer, and when it was asked for and received, in the loop's time."""

    asked: float
    received: float
    region: str | None


@dataclass(frozen=True)
class Flips:
    """The delay from each flip to the first answer that shows it; `stale` were asked after that."""

    delays_ms: tuple[float, ...]
    stale: int

    @property
    def median_ms(self) -> float:
        """The median delay."""
        return statistics.median(self.delays_ms)

    def within(self, limit_ms: float) -> int:
        """How many flips showed within that time."""
        return sum(delay < limit_ms for delay in self.delays_ms)


async def watch_flips(folder: Path, queries: Path, rate: int, seconds: float) -> Flips:
    """Ask a server whose health flips, while dnsperf loads it at `rate`."""
    own = folder / "flips"
    own.mkdir()
    server = await Running.start(FLIPPING, own, _NUMBER)
    flips: list[tuple[float, str]] = []
    answers: list[Answer] = []
    try:
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(_read_flips(server, flips)),
                group.create_task(_ask(server.host, answers)),
            ]
            # The load yields to who asks, or what is measured is the wait for their common core.
            await dnsperf(server, queries, seconds, rate, niceness=10)
            for task in watching:
                task.cancel()
    finally:
        await server.stop()
    return compare(flips, answers)


async def _read_flips(server: Running, flips: list[tuple[float, str]]) -> None:
    assert server.process.stdout is not None
    async for line in server.process.stdout:
        instant, _, region = line.decode().strip().partition(" ")
        if region:
            # Both processes read the same monotonic clock.
            flips.append((float(instant), region))


async def _ask(host: str, answers: list[Answer]) -> None:
    loop, clock = asyncio.get_running_loop(), Clock()
    packet = bytes(DNSRecord.question(HOSTNAME).pack())
    # Without EDNS a reply ends with the address: reading it so takes no time from who is measured.
    regions = {IPv4Address(plan().link(DEFAULT, code).host).packed: code for code in HOMES.values()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0)
        client.connect((host, PORT))
        while True:
            asked = loop.time()
            await loop.sock_sendall(client, packet)
            with contextlib.suppress(TimeoutError):
                async with clock.timeout(1):
                    reply = await loop.sock_recv(client, 4096)
                    answers.append(Answer(asked, loop.time(), regions.get(reply[-4:])))
            await clock.sleep(_PACE_S)


def compare(flips: list[tuple[float, str]], answers: list[Answer]) -> Flips:
    """The delays of all flips of which the whole effect was seen."""
    delays_ms, stale = [], 0
    for (instant, region), (following, _) in itertools.pairwise(flips):
        during = [a for a in answers if a.received > instant and a.received < following]
        first = next((a for a in during if a.region == region), None)
        if first:
            delays_ms.append(1000 * (first.received - instant))
            stale += sum(a.asked > first.received and a.region != region for a in during)
        else:
            stale += len(during)
    if not delays_ms:
        raise SystemExit("no flip was seen in the answers")
    return Flips(tuple(delays_ms), stale)
