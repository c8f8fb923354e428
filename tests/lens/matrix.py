"""Programs in many languages, each with its ways of waiting, run under the lens.

Each waits in five ways for a time that takes a real second, tells how long that lasted by its own
clock, and what its calendar shows at the end. Used by tests and by `bench.lens`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.clock import real_ns
from sim.lens.lens import Lens

PROGRAMS = Path(__file__).parent / "programs"
WAYS = ("sleep", "interval", "poll timeout", "condition wait", "read deadline")
CALENDAR = "calendar"
_SPAN_REAL_S = 1
_AGO_NS = 100_000_000_000


@dataclass(frozen=True)
class Language:
    """A runtime: which tool it takes, and what makes a command of its program."""

    name: str
    tool: str
    command: Callable[[Path], list[str]]

    @property
    def here(self) -> bool:
        """Whether this host has it."""
        return shutil.which(self.tool) is not None


def _go(folder: Path) -> list[str]:
    program = folder / "on_go"
    env = {"CGO_ENABLED": "0", "GOCACHE": str(folder / "cache"), "GOPATH": str(folder / "path")}
    _make(["go", "build", "-o", str(program), str(PROGRAMS / "on_go.go")], env)
    return [str(program)]


def _musl(folder: Path) -> list[str]:
    program = folder / "on_musl"
    _make(["musl-gcc", "-O2", "-o", str(program), str(PROGRAMS / "on_musl.c")])
    return [str(program)]


def _java(folder: Path) -> list[str]:
    _make(["javac", "-d", str(folder), str(PROGRAMS / "OnJava.java")])
    return ["java", "-cp", str(folder), "OnJava"]


def _make(command: list[str], env: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, check=True, env={**os.environ, **(env or {})}, capture_output=True)


LANGUAGES = (
    Language(
        "CPython asyncio", "python3", lambda _: [sys.executable, str(PROGRAMS / "on_asyncio.py")]
    ),
    Language(
        "CPython threads", "python3", lambda _: [sys.executable, str(PROGRAMS / "on_threads.py")]
    ),
    Language("Node", "node", lambda _: ["node", str(PROGRAMS / "on_node.cjs")]),
    Language("static Go", "go", _go),
    Language("musl", "musl-gcc", _musl),
    Language("Java", "javac", _java),
)


def run(program: Path, speed: float, command: list[str]) -> dict[str, float]:
    """By way of waiting: how long it lasted, as a part of what was asked for.

    Of the calendar: how long it says that the run lasted, likewise by the host's own clock; 1 as
    long as it is an instant between the last two lines.
    """
    base_ns = real_ns()[0] - _AGO_NS
    lens = Lens(program, speed, base_ns)
    span_s = speed * _SPAN_REAL_S
    found: dict[str, float] = {}
    argv = lens.through([*command, str(span_s)])
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        earliest = _shown_s(lens)
        for line in process.stdout:
            what, value, *way = line.split(None, 2)
            latest = _shown_s(lens)
            if what == CALENDAR:
                off_s = float(value) - min(max(float(value), earliest - 0.001), latest + 0.001)
                found[CALENDAR] = 1 + off_s / (lens.drift_ns(real_ns()[0]) / 1e9)
            else:
                found[way[0].strip()] = float(value) / span_s
            earliest = latest
    return found


def _shown_s(lens: Lens) -> float:
    monotonic, calendar = real_ns()
    return (calendar + lens.drift_ns(monotonic)) / 1e9
