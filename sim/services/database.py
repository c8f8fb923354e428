"""The database of a world: whose server it is on, and how machines and auditors reach it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sim.clock import Clock
from sim.lens.lens import Lens
from sim.services.borrowed import VARIABLE, BorrowedPostgres
from sim.services.postgres import Postgres
from sim.services.url import endpoint_of, password_of, through
from sim.topology.addresses import Endpoint
from sim.topology.model import Database


class WorldDatabase:
    """The shared database that a topology asks for.

    It is a server of the world's own at `endpoint`, a database on the server that SIM_POSTGRES
    names, or the existing one at the topology's `url`, which the world neither starts nor ends.
    """

    def __init__(
        self,
        asked: Database,
        endpoint: Endpoint,
        folder: Path,
        clock: Clock,
        mark: Mapping[str, str],
        lens: Lens | None = None,
    ) -> None:
        self.region = asked.region
        self._existing = asked.url
        self.server: Postgres | BorrowedPostgres | None = None
        if asked.url:
            return
        if server := os.environ.get(VARIABLE):
            self.server = BorrowedPostgres(server, folder.name, clock)
        else:
            self.server = Postgres(endpoint, folder / "postgres", clock, mark, lens)

    @property
    def own(self) -> Postgres | None:
        """The server of the world's own, where it has one: it can die, and be started again."""
        return self.server if isinstance(self.server, Postgres) else None

    @property
    def secrets(self) -> list[str]:
        """What must not be printed."""
        if self.server:
            return [self.server.password]
        return [self.url(), password_of(self.url())]

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens: the far end of the regions' links to it."""
        return self.server.endpoint if self.server else endpoint_of(self.url())

    def url(self) -> str:
        """How to reach it directly, without any link."""
        return self.server.url() if self.server else self._existing or ""

    def urls(self, regions: Iterable[str], door: Callable[[str], Endpoint]) -> dict[str, str]:
        """How each region's machines reach it; `door` is where their region's link listens."""
        return {region: through(self.url(), door(region)) for region in regions}

    async def start(self) -> None:
        """Have it accept connections. Raises StartError, EnvironmentLacksError."""
        if self.server:
            await self.server.start()

    async def stop(self) -> None:
        """End what was started for it. Safe to call again."""
        if self.server:
            await self.server.stop()
