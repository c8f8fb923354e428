"""`kill -9` at random moments: what is left, and who clears up.

Of `sim up`, `sim run` and `sim down`, and in a run of a machine, or of the supervisor that shows it
the world's clock (its lens), after which Ctrl-C ends the run. After each, `sim down` must leave no
process, no folder and no shared memory, and the next world must come up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.common import ROOT, table
from sim import registry
from sim.rng import Rng

ROUNDS = 50
VERBS = ("up", "run", "down")
INSIDE = ("machine", "supervisor")  # of a run
_TOPOLOGY = ROOT / "topologies" / "atlas-voice.yaml"
_SCENARIO = ROOT / "topologies" / "frankfurt-crash.yaml"
# From the process's start to about its end; in a run, from about its first machine on.
_WITHIN_S = {"up": 2.5, "run": 6.0, "down": 0.8, "machine": 4.0, "supervisor": 4.0}
_UP_WITHIN_S = 1.5
_ENDED_WITHIN_S = 60
_AFTERWARDS_S = 0.5


@dataclass(frozen=True)
class Round:
    """One kill: of what, after how many real seconds, and the processes it had left behind."""

    verb: str
    after_s: float
    left: int


class Orphanage:
    """Worlds in a home of their own, so that no others are seen or touched."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._environment = {**os.environ, "SIM_HOME": str(home)}
        self._segments = segments()
        self._worlds: set[str] = set()  # the ids of all that there were

    def round(self, verb: str, after_s: float) -> Round:
        """Kill it at that moment, have `sim down` clear up, and see that a world comes up.

        Raises AssertionError for anything that is left.
        """
        if verb in INSIDE:
            self._kill_inside(verb, _UP_WITHIN_S + after_s)
        else:
            self._kill(self._start(verb), after_s)
        self._remember()
        if verb == "down":  # the world that it was ending may be ending still
            self._kill_worlds()
        left = len(self.left())
        self.sim("down", "--all")
        assert not self.left(), f"{verb} killed after {after_s:.2f} s left {self.left()}"
        self.sim("up", str(_TOPOLOGY), "--detach")
        self.sim("down")
        assert not self.left(), f"an ordinary world after {verb} left {self.left()}"
        return Round(verb, after_s, left)

    def sim(self, *arguments: str) -> None:
        """A command that has to work."""
        done = subprocess.run(
            [sys.executable, "-m", "sim", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_ENDED_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"sim {' '.join(arguments)}: {done.stdout}{done.stderr}"

    def left(self) -> list[str]:
        """Processes, folders and System V segments that belong to no living world of this home."""
        worlds = self.home / "worlds"
        found = [str(path) for path in worlds.iterdir()] if worlds.is_dir() else []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                inside = (entry / "cwd").readlink().is_relative_to(self.home)
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                marked = self._is_ours((entry / "environ").read_bytes())
                if inside or marked or str(self.home) in command:  # a supervisor has that alone
                    found.append(f"{entry.name} {command[:60]}")
            except OSError:
                continue  # it has ended meanwhile
        return found + [f"segment {segment}" for segment in segments() - self._segments]

    def _start(self, verb: str) -> subprocess.Popen[bytes]:
        if verb == "down":
            self.sim("up", str(_TOPOLOGY), "--detach")
        arguments = {
            "up": ["up", str(_TOPOLOGY)],
            "run": ["run", str(_SCENARIO), "--speed", "20"],
            "down": ["down"],
        }["run" if verb in INSIDE else verb]
        return subprocess.Popen(
            [sys.executable, "-m", "sim", *arguments],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _kill(self, victim: subprocess.Popen[bytes], after_s: float) -> None:
        try:
            victim.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            self._remember()
            victim.kill()
            victim.wait()

    def _kill_inside(self, verb: str, after_s: float) -> None:
        """Kill a machine or a supervisor of a run, then end the run as a user would."""
        run = self._start(verb)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=after_s)
        self._remember()
        for pid in self._machines()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(tracer_of(pid) or pid if verb == "supervisor" else pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=_AFTERWARDS_S)
        run.send_signal(signal.SIGINT)
        run.wait(timeout=_ENDED_WITHIN_S)

    def _remember(self) -> None:
        worlds = self.home / "worlds"
        self._worlds |= {path.name for path in worlds.iterdir()} if worlds.is_dir() else set()

    def _machines(self) -> list[int]:
        """The processes of machines of these worlds."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (entry / "environ").read_bytes()
                if self._is_ours(environment) and b"FLY_MACHINE_ID=" in environment:
                    found.append(int(entry.name))
        return sorted(found)

    def _is_ours(self, environment: bytes) -> bool:
        ids = {f"{registry.ENVIRONMENT_KEY}={world}".encode() for world in self._worlds}
        entries = {f"SIM_HOME={self.home}".encode(), *ids}
        return not entries.isdisjoint(environment.split(b"\0"))

    def _kill_worlds(self) -> None:
        """Kill the worlds of this home too, wherever in their end they are."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"SIM_HOME={self.home}".encode() in environment and b"sim" in command:
                os.kill(int(entry.name), signal.SIGKILL)


def tracer_of(pid: int) -> int:
    """Who traces a process, or 0."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return int(status.partition("TracerPid:")[2].split()[0])


def segments() -> set[str]:
    """System V segments whose maker is gone and that nobody has attached: of PostgreSQL."""
    found = set()
    for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
        _, identity, _, _, maker, _, attached, *_ = line.split()
        if attached == "0" and registry.start_time(int(maker)) is None:
            found.add(identity)
    return found


def rounds(number: int, seed: int, verbs: Sequence[str] = (*VERBS, *INSIDE)) -> list[Round]:
    """That many kills, by turns of each verb, at moments drawn from the seed."""
    rng = Rng(seed).fork("orphans")
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as home:
        orphanage = Orphanage(Path(home))
        done = []
        for k in range(number):
            verb = verbs[k % len(verbs)]
            done.append(orphanage.round(verb, rng.uniform(0, _WITHIN_S[verb])))
        return done


def main() -> None:
    """Print how many kills there were, and how many of them had left something."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    done = rounds(number, seed)
    kills = Counter(one.verb for one in done)
    littered = Counter(one.verb for one in done if one.left)
    rows = [[verb, kills[verb], littered[verb], 0] for verb in (*VERBS, *INSIDE)]
    head = ["kill -9 of", "times", "had left something", "left after `sim down`"]
    table(f"Orphans, seed {seed}: each followed by `sim down` and another world", head, rows)


if __name__ == "__main__":
    main()
