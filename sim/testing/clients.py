"""Single clients that a test leads by the hand, each in its location, behind its own DNS cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp

from sim.clients.blame import FORESEEN
from sim.clients.client import Client
from sim.clients.http_declaration import SERVICE
from sim.clients.load import why_ended, write_end
from sim.clients.vantage import ClientContext
from sim.routing.edge import SIM_MACHINE, SIM_REGION
from sim.testing.failures import CutOffError
from sim.testing.portal import Portal
from sim.testing.sim_session import Notes, SimSession


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and which machine of which region gave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    region: str
    machine: str

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body's JSON. Raises ValueError where it is none."""
        return json.loads(self.body)


class SimClient:
    """One client. It keeps its connection and its DNS answer from one call to the next."""

    def __init__(self, client: Client, context: ClientContext, portal: Portal) -> None:
        self.name = client.name
        self.location = client.location
        self._client = client
        self._context = context
        self._portal = portal
        self._life: AsyncExitStack | None = None
        self._notes: Notes | None = None
        self._asked = 0

    def __repr__(self) -> str:
        return f"<SimClient {self.name}>"

    async def get(self, path: str = "/") -> Answer:
        """GET a path of the gateway, whatever the status of the answer.

        Raises CutOffError where none came within the client's timeout.
        """
        return await self._portal.run(self._get(path))

    async def session(self) -> SimSession:
        """Open this client's session, or resume it, on a new connection.

        It is spoken in the reference gateway's protocol. Raises CutOffError.
        """
        return await self._portal.run(self._open_session())

    async def resolve(self) -> str | None:
        """The region that this client's DNS answer leads to, cached or fresh.

        Raises CutOffError where the name cannot be resolved.
        """
        return await self._portal.run(self._resolve())

    async def disconnect(self) -> None:
        """Close the connection; the next call makes a new one."""
        await self._portal.run(self.hang_up("closed by the client", expected=True))

    async def hang_up(self, reason: str, *, expected: bool = False) -> None:
        """End the connection, if there is one, on the world's own loop."""
        life, self._life = self._life, None
        if life is None:
            return
        if expected:
            await life.aclose()
        else:  # nobody is there to close politely to
            failure = ConnectionError(reason)
            await life.__aexit__(type(failure), failure, None)
        if self._client.machine is not None or not expected:
            write_end(self._context.journal, self._client, reason, expected=expected)
        self._client.end()

    def _begin(self) -> AsyncExitStack:
        """A new connection's life, in which nothing is connected yet."""
        life = self._life = AsyncExitStack()
        http = self._client.vantage.open(aiohttp.CookieJar(unsafe=True))
        life.push_async_callback(http.close)
        self._client.begin(http)
        return life

    async def _get(self, path: str) -> Answer:
        client = self._client
        if self._life is None:
            self._begin()
        self._asked += 1
        client.send(client.name, self._asked)
        try:
            async with (
                client.clock.timeout(client.timeout_s),
                client.http.get(client.url(path)) as response,
            ):
                body = await response.read()
        except FORESEEN as error:
            client.unknown(client.name, self._asked)
            raise await self._cut_off(error) from error
        if response.status not in SERVICE:
            client.connected(response.headers)
            client.failed(client.name, self._asked, f"status {response.status}")
        else:
            client.acked(client.name, self._asked, response.headers)
        said = response.headers
        region, machine = said.get(SIM_REGION, client.region or "?"), said.get(SIM_MACHINE, "?")
        return Answer(response.status, said, body, region, machine)

    async def _open_session(self) -> SimSession:
        await self.hang_up("closed by the client", expected=True)
        client, life = self._client, self._begin()
        notes = self._notes = self._notes or Notes(client.rng.hex_id(16))
        try:
            socket = await life.enter_async_context(
                client.websocket(f"/session?id={notes.session}")
            )
            session = SimSession(client, notes, socket, self._portal, self.hang_up)
            await session.begin()
        except FORESEEN as error:
            raise await self._cut_off(error) from error
        # Ended before the socket is: what listens must not hear its own side close.
        life.push_async_callback(session.end)
        return session

    async def _resolve(self) -> str | None:
        client = self._client
        try:
            addresses = await client.within(client.vantage.resolve(self._context.topology.hostname))
        except FORESEEN as error:
            raise CutOffError(f"{self.name} cannot resolve: {why_ended(error, client)}") from error
        return self._context.plan.region_at(addresses[0]) if addresses else None

    async def _cut_off(self, error: BaseException) -> CutOffError:
        reason = why_ended(error, self._client)
        whom = self._client.region or "anyone"
        await self.hang_up(reason)
        return CutOffError(f"{self.name} got no answer from {whom}: {reason}")
