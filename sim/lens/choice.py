"""Which clock a world's processes are shown: decided before the world is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sim.errors import EnvironmentLacksError, InputError
from sim.lens.lens import Lens

ClockName = Literal["lens", "real"]
CLOCKS: tuple[ClockName, ...] = get_args(ClockName)


@dataclass(frozen=True)
class ProcessClock:
    """The clock of machines and services.

    Without a `program` it is the host's own, which at speed 1 is the world's too; `why_real` says
    why, where it makes a difference.
    """

    program: Path | None = None
    why_real: str = ""

    @property
    def name(self) -> ClockName:
        """As a journal has it."""
        return "real" if self.why_real else "lens"

    def calendar_speed(self, speed: float) -> float:
        """How fast the calendars of machines run against the host's."""
        return speed if self.program else 1.0

    def warning(self, speed: float) -> str:
        """What a person has to know of a run at this speed, or ""."""
        return warning(self.why_real, speed) if self.why_real else ""

    def lens(self, speed: float, base_ns: int) -> Lens | None:
        """What commands are run through, in a world that began then; None for nothing."""
        return Lens(self.program, speed, base_ns) if self.program else None


def choose(asked: ClockName, speed: float, tried: Callable[[], Path]) -> ProcessClock:
    """The clock that was asked for, or the host's where the lens is not `tried` with success."""
    if speed == 1:
        return ProcessClock()
    if asked == "real":
        return ProcessClock(why_real="--clock real")
    try:
        return ProcessClock(tried())
    except EnvironmentLacksError as error:
        return ProcessClock(why_real=error.lack)


def clock_named(name: str) -> ClockName:
    """The clock of that name. Raises InputError where there is none."""
    for known in CLOCKS:
        if name == known:
            return known
    raise InputError(f"unknown clock `{name}`: it is lens or real")


def warning(why_real: str, speed: float) -> str:
    """What a person has to know of a run whose machines keep real time."""
    because = f" ({why_real})" if why_real else ""  # journals of older versions do not say why
    if speed < 1:
        return (
            f"machines keep real time{because}: at speed {speed:g} their own timers, and their"
            " drain within kill_timeout, are longer than they say"
        )
    return (
        f"machines keep real time{because}: at speed {speed:g} each second of their own timers,"
        f" and of their drain within kill_timeout, counts {speed:g} times"
    )
