"""Whether the lens keeps true time here: a short program is run under it before a world is.

A lens that goes wrong would make wrong verdicts, so one that is not true within 2 % is not used.
What was found true is remembered until the host starts again; a failure is not.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.clock import real_ns
from sim.errors import EnvironmentLacksError
from sim.lens.lens import Lens
from sim.lens.lens_program import find_program
from sim.user_cache import user_cache

TOLERANCE = 0.02
SPEED = 10.0
_AGO_NS = 100_000_000_000  # the base lies so far back that a wrong clock shows
_LASTS_NS = 500_000_000  # shown, each way of waiting; see probe.c
_ATTEMPTS = 10  # a busy host makes one late, and no way of waiting early
_WITHIN_REAL_S = 20
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Trial:
    """What a program saw: instants of clocks, and how long each way of waiting lasted, in ns."""

    clocks: Sequence[tuple[str, int]]
    lasted: Sequence[tuple[str, int]]


Run = Callable[[Lens, Path], list[str]]


def tried_program(place: str = "", run: Run | None = None) -> Path:
    """The program, known to keep true time. Raises EnvironmentLacksError where it does not.

    `run` gives what it prints under the lens in another place than this host, such as the
    containers of an engine, which `place` names.
    """
    program = find_program()
    known = user_cache() / f"{program.name}-true-{_host(place)}"
    if known.exists():
        return program
    try_out(program, run or _run_here)
    try:
        known.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known.touch()
    except OSError:
        pass  # it will be tried again
    return program


def try_out(program: Path, run: Run | None = None) -> None:
    """Run the trial. Raises EnvironmentLacksError, with what was wrong, where it is not true."""
    best: dict[str, int] = {}
    late: str | None = None
    for _ in range(_ATTEMPTS):
        before = real_ns()
        lens = Lens(program, SPEED, before[0] - _AGO_NS)
        trial = read((run or _run_here)(lens, program))
        if wrong := wrong_clock(trial, lens, before, real_ns()):
            raise lack(wrong)
        for way, ns in trial.lasted:
            best[way] = min(ns, best.get(way, ns))
        if not best:
            raise lack("the program that tries it said nothing")
        if (late := wrong_wait(best.items())) is None:
            return
    raise lack(str(late), "run it again with less beside it")


def read(lines: Iterable[str]) -> Trial:
    """What the program printed."""
    words = [line.split(" ", 2) for line in lines]
    return Trial(
        clocks=[(w[1], int(w[2])) for w in words if w[0] == "clock"],
        lasted=[(w[2], int(w[1])) for w in words if w[0] == "lasted"],
    )


def wrong_clock(
    trial: Trial, lens: Lens, before: tuple[int, int], after: tuple[int, int]
) -> str | None:
    """The first clock that did not show an instant of this time, in words."""
    earliest, latest = (
        {"monotonic": at[0] + lens.drift_ns(at[0]), "realtime": at[1] + lens.drift_ns(at[0])}
        for at in (before, after)
    )
    slack_ns = 1_000_000  # the host's calendar may be corrected meanwhile
    for clock, shown in trial.clocks:
        if not earliest[clock] - slack_ns <= shown <= latest[clock] + slack_ns:
            off_s = (shown - latest[clock]) / 1e9
            return f"its {clock} clock is off by {off_s:.3f} s"
    return None


def wrong_wait(lasted: Iterable[tuple[str, int]]) -> str | None:
    """The first way of waiting that was early, or late by more than it may be, in words."""
    for way, ns in lasted:
        if not _LASTS_NS <= ns <= _LASTS_NS * (1 + TOLERANCE):
            return f"{way} of {_LASTS_NS / 1e9:g} s lasts {ns / 1e9:.3f} s"
    return None


def _run_here(lens: Lens, program: Path) -> list[str]:
    try:
        done = subprocess.run(
            lens.through([str(program), "--probe"]),
            check=False,
            capture_output=True,
            text=True,
            timeout=_WITHIN_REAL_S,
        )
    except subprocess.TimeoutExpired:
        raise lack("the program that tries it did not end") from None
    except OSError as error:
        raise lack(f"{program} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.strip() or f"it exited with {done.returncode}"
        raise lack(said.removeprefix("lens: "))
    return done.stdout.splitlines()


def _host(place: str) -> str:
    """This host until it starts again, and this user: what is allowed may depend on both."""
    try:
        boot = _BOOT.read_text(encoding="ascii")
    except OSError:
        boot = os.uname().release
    return hashlib.sha256(f"{boot}{os.getuid()}{place}".encode()).hexdigest()[:12]


def lack(
    why: str,
    remedy: str = "allow ptrace and seccomp (kernel.yama.ptrace_scope below 2), or run at speed 1",
) -> EnvironmentLacksError:
    """The error that says why the lens is not used."""
    return EnvironmentLacksError(f"machines cannot be given the world's clock here: {why}", remedy)
