"""What every service of a world is to the rest of it, whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sim.topology.addresses import Endpoint


class WorldService(Protocol):
    """Something that machines use. Each region has a link of its own to its `endpoint`."""

    @property
    def name(self) -> str:
        """What the topology calls it."""

    @property
    def region(self) -> str:
        """Where it is."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens: the far end of the regions' links to it."""

    @property
    def probe(self) -> bytes:
        """What it answers at once, by which its links are measured; empty where nobody knows."""

    @property
    def secrets(self) -> list[str]:
        """What must not be printed."""

    @property
    def own(self) -> bool:
        """Whether the world runs it: it can die, and `start` starts it again."""

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""

    @property
    def pid(self) -> int | None:
        """Its main process among this host's, while it runs and where that is known."""

    def variables(self, door: Endpoint, known: Mapping[str, str]) -> dict[str, str]:
        """What a region's machines are told of it; `door` is where their link to it listens.

        `known` is what templates may name beside HOST and PORT.
        """

    async def start(self) -> None:
        """Have it accept connections; nothing if it does.

        Raises EnvironmentLacksError where it cannot run here, StartError where it did not.
        """

    async def stop(self) -> None:
        """End what was started for it. Safe to call again."""

    async def ping(self) -> None:
        """Raises StartError, with its last log lines, where it does not run."""
