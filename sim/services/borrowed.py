"""The shared database on somebody else's server: a database of the world's own, for its time.

Where PostgreSQL cannot run beside the simulator (a container, mostly), SIM_POSTGRES names a server
and a user who may create databases.
"""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.services.url import endpoint_of, password_of, through
from sim.topology.addresses import Endpoint

VARIABLE = "SIM_POSTGRES"
_READY_REAL_S = 30.0
_POLL_REAL_S = 0.2
_NOT_YET = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)


class BorrowedPostgres:
    """A database called `name` on the server that `url` leads to, from `start` to `stop`."""

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self._server_url = url
        self._name = name.replace("-", "_")
        self._clock = clock
        self._made = False
        self.endpoint = endpoint_of(url)

    def __repr__(self) -> str:
        return f"<BorrowedPostgres {self._name} at {self.endpoint}>"

    @property
    def password(self) -> str:
        """The user's password, for whoever has to keep it out of what is printed."""
        return password_of(self._server_url)

    def url(self, endpoint: Endpoint | None = None) -> str:
        """How to reach the database: directly, or through a link's endpoint."""
        parts = urlsplit(through(self._server_url, endpoint or self.endpoint))
        return urlunsplit(parts._replace(path=f"/{self._name}", query="sslmode=disable"))

    async def start(self) -> None:
        """Wait for the server and make the database. Raises EnvironmentLacksError."""
        try:
            async with self._clock.timeout(_READY_REAL_S * self._clock.speed):
                while not await self._create():
                    await self._clock.sleep(_POLL_REAL_S * self._clock.speed)
        except (TimeoutError, asyncpg.PostgresError) as error:
            why = str(error) or "no answer"
            raise EnvironmentLacksError(
                f"no database can be made on the server at {self.endpoint}: {why}",
                f"correct {VARIABLE}, or unset it to run a PostgreSQL of the world's own",
            ) from error

    async def stop(self) -> None:
        """Remove the database, with whoever still uses it."""
        if self._made:
            self._made = False
            with contextlib.suppress(*_NOT_YET):  # the server has gone first
                await self._execute(f'DROP DATABASE "{self._name}" WITH (FORCE)')

    async def _create(self) -> bool:
        try:
            await self._execute(f'CREATE DATABASE "{self._name}"')
        except _NOT_YET:
            return False
        self._made = True
        return True

    async def _execute(self, sql: str) -> None:
        connection = await asyncpg.connect(self._server_url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
