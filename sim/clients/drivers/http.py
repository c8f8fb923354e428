"""HTTP: a request every turn, over kept-alive connections."""

from __future__ import annotations

from http import HTTPStatus

import aiohttp

from sim.clients.client import Client
from sim.clients.declaration import Request
from sim.clients.drivers.greeting import fill_headers
from sim.clients.ending import ConnectionOverError
from sim.clients.http_declaration import HttpDeclaration
from sim.clients.template import Values, fill_path
from sim.routing.edge import SIM_MACHINE

_ROOT = HttpDeclaration("http", Request("GET", "/"))


class Http:
    """Asks every turn what the declaration says: without one, for `/`. Follows no redirect.

    An answer that is no service is a refusal. A 5xx also ends the connection: the client looks for
    the gateway anew.
    """

    def __init__(self, declaration: HttpDeclaration = _ROOT) -> None:
        self._is = declaration
        self._seq = 0

    async def run(self, client: Client) -> None:
        """Ask until something fails or the load ends."""
        async for _ in client.pace():
            self._seq += 1
            client.send(client.name, self._seq)
            self._take(client, await self._ask(client))

    async def _ask(self, client: Client) -> aiohttp.ClientResponse:
        asked = self._is.request
        values: Values = {
            "client": client.name,
            "seq": self._seq,
            "payload": "x" * client.payload,
        }
        return await client.request(
            asked.method,
            fill_path(asked.path, values),
            headers=fill_headers(asked.headers, values, asked.body),
            data=asked.body.frame(values) if asked.body is not None else None,
            allow_redirects=False,
        )

    def _take(self, client: Client, answer: aiohttp.ClientResponse) -> None:
        """Raises ConnectionOverError where the gateway, or its edge, is not there to serve."""
        if answer.status in self._is.expect:
            client.acked(client.name, self._seq, answer.headers)
            return
        over = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if not over and SIM_MACHINE in answer.headers:
            client.connected(answer.headers)
        reason = f"status {answer.status}"
        client.failed(client.name, self._seq, reason, answer.status)
        if over:
            client.turned_down(answer.headers, answer.status)
            raise ConnectionOverError(reason)
