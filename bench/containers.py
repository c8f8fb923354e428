"""How long worlds of containers take to come up and to end, beside plain `docker run` of the same.

It uses the engine that answers, or starts one of its own as the tests do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from bench.common import ATLAS, table
from sim.clock import Clock
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.docker.private_engine import GATEWAY, PrivateEngine, answering, make_images, why_not

_RUNS = 5
_GATEWAY = {"image": GATEWAY, "checks": [{"type": "http", "path": "/healthz"}]}
TWO: dict[str, Any] = {**ATLAS, "gateway": _GATEWAY}
TWELVE: dict[str, Any] = {
    **TWO,
    "regions": {
        code: {"machines": 3, "primary": code == "iad"} for code in ("iad", "fra", "sin", "syd")
    },
}


@contextlib.contextmanager
def engine() -> Iterator[None]:
    """An engine with the reference gateway's image, for this block."""
    if answering():
        make_images()
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        own = PrivateEngine(Path(folder) / "engine")
        own.start()
        os.environ["DOCKER_HOST"] = own.url
        try:
            make_images()
            yield
        finally:
            del os.environ["DOCKER_HOST"]
            own.remove()


async def first_answer(world: World) -> None:
    """A client in London asks for a name and gets an answer through link and edge."""
    address = world.plan.link("london", "fra")
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://{address}/healthz", headers={"Host": world.topology.hostname}) as answer,
    ):
        assert answer.status == 200


async def worlds(document: dict[str, Any], clock: Clock) -> tuple[list[float], list[float]]:
    """Milliseconds from nothing to the first answered client, and from `down` to the end."""
    ups, downs = [], []
    for _ in range(_RUNS):
        world = World(topology_from_mapping(document), seed=7, runtime="docker")
        began = clock.real_ms()
        async with world:
            await first_answer(world)
            ups.append(clock.real_ms() - began)
            began = clock.real_ms()
        downs.append(clock.real_ms() - began)
    return ups, downs


async def plain(count: int, clock: Clock) -> tuple[list[float], list[float]]:
    """The same containers by `docker run` and `docker rm -f`, as many at a time as worlds start."""
    ups, downs = [], []
    turns = asyncio.Semaphore(4)

    async def docker(*arguments: str) -> None:
        async with turns:
            process = await asyncio.create_subprocess_exec(
                "docker", *arguments, stdout=subprocess.DEVNULL
            )
            assert await process.wait() == 0

    names = [f"sim-bench-{number}" for number in range(count)]
    for _ in range(_RUNS):
        began = clock.real_ms()
        await asyncio.gather(
            *(docker("run", "-d", "--init", "--name", n, "-P", GATEWAY) for n in names)
        )
        ups.append(clock.real_ms() - began)
        began = clock.real_ms()
        await asyncio.gather(*(docker("rm", "-f", name) for name in names))
        downs.append(clock.real_ms() - began)
    return ups, downs


async def containers() -> None:
    """Print both beside each other."""
    clock = Clock()
    rows = []
    measured: list[tuple[str, Callable[[], Awaitable[tuple[list[float], list[float]]]]]] = [
        ("two regions, a machine each (aims: 4000, 3000)", lambda: worlds(TWO, clock)),
        ("`docker run` of the two, not waiting for an answer", lambda: plain(2, clock)),
        ("four regions, twelve machines (aims: 8000, 3000)", lambda: worlds(TWELVE, clock)),
        ("`docker run` of the twelve, not waiting", lambda: plain(12, clock)),
    ]
    for name, measure in measured:
        ups, downs = await measure()
        figures = (median(ups), max(ups), median(downs), max(downs))
        rows.append([name, *(f"{value:.0f}" for value in figures)])
    head = ["what", "up, median ms", "most", "down, median ms", "most"]
    table(f"Containers, {_RUNS} times: up to the first answered client, and down", head, rows)


def main() -> None:
    """Measure, or say why not."""
    if not answering() and (reason := why_not()):
        print(f"\ncontainers: not measured, {reason}")
        return
    with engine():
        asyncio.run(containers())


if __name__ == "__main__":
    main()
