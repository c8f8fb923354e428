"""How true programs' timers are under the lens, in many languages, and what it costs.

    python -m bench.lens [--write docs/clock.md]

With `--write` the tables in that page are replaced.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.common import ATLAS, machine
from bench.common import run as scenario
from sim.clock import real_ns
from sim.lens.lens import Lens
from sim.lens.lens_program import find_program
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.lens.matrix import CALENDAR, LANGUAGES, WAYS, run

SPEEDS = (10, 50)
ROUNDS = 5  # of each kind, by turns: what else the host does falls on both
REQUESTS, WARM_UP = 2000, 500
STARTS = 20
SESSIONS = 200
_SERVER = Path(__file__).parent / "least_server.cjs"
_REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
_CALLS = """import time
call, clock, number = {call}, {clock}, 50_000
began = clock()
for _ in range(number):
    call()
print((clock() - began) / number)"""
Figures = tuple[float, ...]


def timers() -> Iterator[str]:
    """How long each way of waiting lasted against what was asked for, in per cent of it."""
    program = find_program()
    yield from _head("program", "speed", *WAYS, CALENDAR)
    for language in LANGUAGES:
        if not language.here:
            continue
        with tempfile.TemporaryDirectory() as folder:
            command = language.command(Path(folder))
            for speed in SPEEDS:
                found = run(program, speed, command)
                cells = [
                    f"{round((found[way] - 1) * 100, 2) + 0.0:+.2f} %" for way in (*WAYS, CALENDAR)
                ]
                yield _row(language.name, speed, *cells)


def costs() -> Iterator[str]:
    """What is the same with and without the lens, beside each other."""
    yield from _head("what", "without", "with the lens", "")
    if shutil.which("node"):
        for when, pause_s in (("one after the other", 0.0), ("after 2 ms of nothing", 0.002)):
            figures = _turns(partial(_requests, pause_s))
            for name, pair in zip(("p50", "p99"), figures, strict=True):
                yield _compared(f"requests of Node's http, {when}, {name}", *pair, "us")
    (pair,) = _turns(_clock_reads)
    yield _compared("a reading of the clock, by CPython", *pair, "us")
    (pair,) = _turns(_starts)
    yield _compared("the start of a program (`true`)", *pair, "ms")
    for name, pair in zip(("the machines", "all"), _turns(_world), strict=True):
        yield _compared(f"the start of a world of two regions: {name}", *pair, "ms")
    for name, pair in zip(("p50", "p99"), _turns(_sessions, 1), strict=True):
        yield _compared(f"answers to {SESSIONS} sessions at speed 4, {name}", *pair, "simulated ms")


def _turns(
    measured: Callable[[Lens | None], Figures], rounds: int = ROUNDS
) -> list[tuple[float, float]]:
    """For each figure its median without and with the lens, of rounds that took turns."""
    lens = Lens(find_program(), SPEEDS[0], real_ns()[0])
    found = [(measured(None), measured(lens)) for _ in range(rounds)]
    plain, shown = (zip(*kind, strict=True) for kind in zip(*found, strict=True))
    return [
        (statistics.median(without), statistics.median(with_lens))
        for without, with_lens in zip(plain, shown, strict=True)
    ]


def _requests(pause_s: float, lens: Lens | None) -> Figures:
    """The median request and the 99th of 100, in microseconds; a pause lets the server wait."""
    with _started(lens, ["node", str(_SERVER)]) as server:
        assert server.stdout
        port = int(server.stdout.readline())
        took_us = []
        with socket.create_connection(("127.0.0.1", port)) as there:
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(WARM_UP + REQUESTS):
                if pause_s:
                    select.select([], [], [], pause_s)
                began_ns = real_ns()[0]
                there.sendall(_REQUEST)
                answer = b""
                while not answer.endswith(b"ok"):
                    answer += there.recv(4096)
                took_us.append((real_ns()[0] - began_ns) / 1000)
        server.kill()
    took_us = sorted(took_us[WARM_UP:])
    return took_us[REQUESTS // 2], took_us[REQUESTS * 99 // 100]


def _clock_reads(lens: Lens | None) -> Figures:
    return (_per_call_us(lens, "time.monotonic", "time.monotonic"),)


def _per_call_us(lens: Lens | None, call: str, clock: str) -> float:
    """Real microseconds of a call, by the program's own clock."""
    code = _CALLS.format(call=call, clock=clock)
    with _started(lens, [sys.executable, "-S", "-c", code]) as process:
        assert process.stdout
        shown_s = float(process.stdout.read())
    return shown_s * 1e6 / (lens.speed if lens else 1)


def _starts(lens: Lens | None) -> Figures:
    began_ns = real_ns()[0]
    for _ in range(STARTS):
        with _started(lens, ["true"]):
            pass
    return ((real_ns()[0] - began_ns) / 1e6 / STARTS,)


def _world(lens: Lens | None) -> Figures:
    async def up() -> Figures:
        async with _world_of(lens, SPEEDS[0]) as world:
            return world.startup.took_ms["machines"], world.startup.took_ms["all"]

    return asyncio.run(up())


def _sessions(lens: Lens | None) -> Figures:
    load = {"driver": "session", "clients": SESSIONS, "every": "1s"}

    async def answers() -> Figures:
        async with _world_of(lens, 4) as world:
            evidence = await scenario(world, {"load": load, "duration": "40s"})
            latencies = evidence.latencies_ms["london"]["fra"]
            return latencies.percentile(50), latencies.percentile(99)

    return asyncio.run(answers())


def _world_of(lens: Lens | None, speed: float) -> World:
    topology = topology_from_mapping(ATLAS)
    return World(topology, seed=7, speed=speed, clock="lens" if lens else "real")


def _started(lens: Lens | None, command: Sequence[str]) -> subprocess.Popen[str]:
    argv = lens.through(command) if lens else command
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def _compared(what: str, without: float, with_lens: float, unit: str) -> str:
    more = f"{(with_lens / without - 1) * 100:+.0f} %"
    return _row(what, f"{without:.2f} {unit}", f"{with_lens:.2f} {unit}", more)


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|---" * len(cells) + "|"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measure, print, and write it into a page if asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, help="the page whose tables are replaced")
    page = parser.parse_args().write
    for name, lines in (("timers", timers()), ("costs", costs())):
        told = [f"Measured on {machine()}.", ""]
        for line in lines:
            print(line, flush=True)
            told.append(line)
        if page:
            text = page.read_text(encoding="utf-8")
            before, start, rest = text.partition(f"<!-- {name} -->")
            _, end, after = rest.partition("<!-- end -->")
            table = "\n".join(told)
            page.write_text(f"{before}{start}\n\n{table}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
