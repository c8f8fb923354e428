"""A world's lens: what is put before a command, and what its supervisor noted."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ENDED = "end\n"
_FAILED = "failed"


@dataclass(frozen=True)
class Uncovered:
    """Something that the lens cannot show as the world's, in words after a machine's name.

    `whole`: all of a process's time stays real, and not only what is named.
    """

    what: str
    whole: bool = False


_SEEN = {
    "io_uring": Uncovered("was refused io_uring, whose timeouts cannot be scaled"),
    "keepalive": Uncovered("sets TCP keepalives, which a kernel counts in whole real seconds"),
    "linger": Uncovered("sets SO_LINGER, whose seconds stay real"),
    "no stub": Uncovered("reads clocks by calls: this kernel's vDSO has no room for a stub"),
    "hidden": Uncovered(
        "hides its memory (it has changed its user): its time stays real", whole=True
    ),
    "32 bit": Uncovered("runs a 32-bit program, whose time stays real", whole=True),
}


@dataclass(frozen=True)
class Lens:
    """Shows processes the world's clock: `speed` times as fast from `base_ns` on.

    `base_ns` is an instant of the host's monotonic clock. All processes of a world have the same
    one, so that their calendars agree.
    """

    program: Path
    speed: float
    base_ns: int

    def drift_ns(self, real_ns: int) -> int:
        """By how much what is shown is ahead, at an instant of the host's monotonic clock."""
        return round((real_ns - self.base_ns) * (self.speed - 1))

    def through(self, argv: Sequence[str], notes: Path | None = None) -> list[str]:
        """The command that runs this one under the lens; it keeps its pid. It writes to `notes`."""
        options = ["--speed", repr(self.speed), "--base", str(self.base_ns)]
        if notes:
            options += ["--notes", str(notes)]
        return [str(self.program), *options, "--", *argv]


def uncovered(told: str) -> list[Uncovered]:
    """What a process was seen to use."""
    return [_SEEN[line] for line in dict.fromkeys(told.splitlines()) if line in _SEEN]


def failed(told: str) -> bool:
    """Whether the lens could not do its work: its processes died of that."""
    return _FAILED in told.splitlines()


def read_notes(notes: Path) -> tuple[str, bool]:
    """What was noted of a process that has ended, and whether its supervisor saw it end."""
    try:
        with notes.open("rb") as file:
            told = file.read().decode(errors="replace")
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            told += file.read().decode(errors="replace")
    except FileNotFoundError:  # it was killed before it had begun
        return "", True
    except BlockingIOError:  # it is there still: the first of its processes has ended, not the last
        return told, not failed(told)
    return told, told.endswith(_ENDED) and not failed(told)
