"""HTTP: a GET every turn, over kept-alive connections."""

from __future__ import annotations

from http import HTTPStatus

from sim.clients.client import Client
from sim.clients.driver import ConnectionOverError


class Http:
    """Asks for `/` every turn. A 5xx is a refusal, and ends the connection."""

    def __init__(self) -> None:
        self._seq = 0

    async def run(self, client: Client) -> None:
        """GET until something fails or the load ends."""
        async for _ in client.pace():
            self._seq += 1
            client.send(client.name, self._seq)
            await client.within(self._get(client))

    async def _get(self, client: Client) -> None:
        async with client.http.get(client.url("/")) as response:
            await response.read()
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                reason = f"status {response.status}"
                client.failed(client.name, self._seq, reason)
                raise ConnectionOverError(reason)
            client.acked(client.name, self._seq, response.headers)
