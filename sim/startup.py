"""How a world comes up: which of its parts are there, how long each took, and what is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from sim.clock import Clock
from sim.machines.runs import START_TIMEOUT_REAL_S

T = TypeVar("T")

# What must be there, in the order in which one waits for it.
_PARTS = ("runtime", "services", "machines", "nameservers", "ingress")
_USUAL = {"runtime": "an image is built in minutes", "services": "a few seconds"}


class Startup:
    """The start of one world. `took_ms` has real milliseconds by part, and `all` once it is up."""

    def __init__(self) -> None:
        self.took_ms: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Startup of {', '.join(self.took_ms) or 'nothing yet'}>"

    @property
    def done(self) -> bool:
        """Whether all parts have started."""
        return "all" in self.took_ms

    async def timed(self, name: str, starting: Awaitable[T], clock: Clock) -> T:
        """Wait for a part, and note how long it took."""
        began_ms = clock.real_ms()
        started = await starting
        self.took_ms[name] = clock.real_ms() - began_ms
        return started

    def awaited(self, obstacles: Mapping[str, str]) -> list[str]:
        """What keeps the world from being up, for a person who waits.

        `obstacles` are what keeps machines from passing their checks, by the machine's name.
        """
        if obstacles:
            within = f"at most {START_TIMEOUT_REAL_S:g} s"
            return [f"{name}, {within}: {why}" for name, why in obstacles.items()]
        late = next((name for name in _PARTS if name not in self.took_ms), None)
        return [f"{late}: {_USUAL[late]}" if late in _USUAL else late] if late else []
