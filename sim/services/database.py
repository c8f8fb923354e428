"""The database of a world: whose server it is on, and how machines and auditors reach it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.lens.lens import Lens
from sim.services.borrowed import VARIABLE, BorrowedPostgres
from sim.services.postgres import Postgres
from sim.services.tls_front import SSL_REQUEST, TlsFront
from sim.services.url import endpoint_of, password_of, through, with_sslmode
from sim.topology.addresses import Endpoint
from sim.topology.model import Database


class WorldDatabase:
    """The shared database that a topology asks for: the built-in service.

    It is a server of the world's own at `endpoint`, a database on the server that SIM_POSTGRES
    names, or the existing one at the topology's `url`, which the world neither starts nor ends.
    With a `front` it is reached through that, over TLS.
    """

    probe = SSL_REQUEST

    def __init__(
        self,
        asked: Database,
        endpoint: Endpoint,
        folder: Path,
        clock: Clock,
        mark: Mapping[str, str],
        lens: Lens | None = None,
        *,
        front: TlsFront | None = None,
    ) -> None:
        self.name = asked.name
        self.region = asked.region
        self._existing = asked.url
        self._sslmode = asked.sslmode
        self._front = front
        self.server: Postgres | BorrowedPostgres | None = None
        if asked.url:
            return
        if server := os.environ.get(VARIABLE):
            self.server = BorrowedPostgres(server, folder.name, clock)
        else:
            self.server = Postgres(endpoint, folder / "postgres", clock, mark, lens)

    @property
    def own(self) -> bool:
        """Whether its server is the world's own."""
        return isinstance(self.server, Postgres)

    @property
    def running(self) -> bool:
        """Whether a server of the world's own runs; of another nothing is known."""
        return self.pid is not None or not self.own

    @property
    def pid(self) -> int | None:
        """The process id of a server of the world's own, while it runs."""
        return self.server.pid if isinstance(self.server, Postgres) else None

    @property
    def secrets(self) -> list[str]:
        """What must not be printed."""
        if self.server:
            return [self.server.password]
        return [self.url(), password_of(self.url())]

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens: the far end of the regions' links to it."""
        if self._front:
            return self._front.endpoint
        return self.server.endpoint if self.server else endpoint_of(self.url())

    def url(self) -> str:
        """How to reach it directly, without any link."""
        return self.server.url() if self.server else self._existing or ""

    def variables(self, door: Endpoint, known: Mapping[str, str]) -> dict[str, str]:
        """Its URL, through the link that listens there."""
        del known
        return {"DATABASE_URL": self._through(door)}

    def details(self, door: Endpoint) -> dict[str, str]:
        """What a pooler in front of it is told: the same, part by part."""
        parts = urlsplit(self._through(door))
        return {
            "DATABASE_URL": parts.geturl(),
            "DATABASE_HOST": door.host,
            "DATABASE_PORT": str(door.port),
            "DATABASE_USER": unquote(parts.username or ""),
            "DATABASE_PASSWORD": unquote(parts.password or ""),
            "DATABASE_NAME": unquote(parts.path.removeprefix("/")),
        }

    def _through(self, door: Endpoint) -> str:
        url = through(self.url(), door)
        return with_sslmode(url, self._sslmode) if self._front else url

    async def start(self) -> None:
        """Have it accept connections. Raises StartError, EnvironmentLacksError."""
        if self._front and not self.own:
            raise EnvironmentLacksError(
                f"services.{self.name}.sslmode is {self._sslmode}, and the server that {VARIABLE}"
                " names has no certificate of this world's",
                f"remove it, or unset {VARIABLE} to run a PostgreSQL of the world's own",
            )
        if self.server:
            await self.server.start()
        if self._front:
            await self._front.open()

    async def stop(self) -> None:
        """End what was started for it. Safe to call again."""
        if self._front:
            await self._front.close()
        if self.server:
            await self.server.stop()

    async def ping(self) -> None:
        """Raises StartError where a server of the world's own does not run."""
        if isinstance(self.server, Postgres):
            await self.server.ping()
