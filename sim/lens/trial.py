"""Whether the lens keeps true time here: a short program is run under it before a world is.

A lens that goes wrong would make wrong verdicts, so one that is not true within 2 % is not used.
What was found true is remembered until the host starts again; a failure is not.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.cache import user_cache
from sim.clock import real_ns
from sim.errors import EnvironmentLacksError
from sim.lens.lens import Lens
from sim.lens.program import find_program

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


def tried_program() -> Path:
    """The program, known to keep true time here. Raises EnvironmentLacksError where it does not."""
    program = find_program()
    known = user_cache() / f"{program.name}-true-{_host()}"
    if known.exists():
        return program
    try_out(program)
    try:
        known.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in known.parent.glob("lens-*-true-*"):
            old.unlink(missing_ok=True)
        known.touch()
    except OSError:
        pass  # it will be tried again
    return program


def try_out(program: Path) -> None:
    """Run the trial. Raises EnvironmentLacksError, with what was wrong, where it is not true."""
    best: dict[str, int] = {}
    for _ in range(_ATTEMPTS):
        before = real_ns()
        lens = Lens(program, SPEED, before[0] - _AGO_NS)
        trial = read(_run(lens, program))
        if wrong := wrong_clock(trial, lens, before, real_ns()):
            raise _lack(wrong or "")
        for way, ns in trial.lasted:
            best[way] = min(ns, best.get(way, ns))
        if not best:
            raise _lack("the program that tries it said nothing")
        if (wrong := wrong_wait(best.items())) is None:
            return
    raise _lack(wrong or "", "run it again with less beside it")


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


def _run(lens: Lens, program: Path) -> list[str]:
    try:
        done = subprocess.run(
            lens.through([str(program), "--probe"]),
            check=False,
            capture_output=True,
            text=True,
            timeout=_WITHIN_REAL_S,
        )
    except subprocess.TimeoutExpired:
        raise _lack("the program that tries it did not end") from None
    except OSError as error:
        raise _lack(f"{program} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.strip() or f"it exited with {done.returncode}"
        raise _lack(said.removeprefix("lens: "))
    return done.stdout.splitlines()


def _host() -> str:
    """This host until it starts again, and this user: what is allowed may depend on both."""
    try:
        boot = _BOOT.read_text(encoding="ascii")
    except OSError:
        boot = os.uname().release
    return hashlib.sha256(f"{boot}{os.getuid()}".encode()).hexdigest()[:12]


def _lack(
    why: str,
    remedy: str = "allow ptrace and seccomp (kernel.yama.ptrace_scope below 2), or run at speed 1",
) -> EnvironmentLacksError:
    return EnvironmentLacksError(f"machines cannot be given the world's clock here: {why}", remedy)
