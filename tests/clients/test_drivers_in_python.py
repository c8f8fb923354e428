"""A driver in Python is typed: this file is one, and mypy reads it in strict mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import aiohttp

from sim.drivers import Client, ConnectionOverError, Driver, Ledger, Question, WebSocket


class Rooms:
    """Every annotation here is one that a user's type checker sees."""

    async def run(self, client: Client) -> None:
        answer = await client.request("POST", "/tickets", json={"for": client.name})
        assert_type(answer, aiohttp.ClientResponse)
        if answer.status != 201:
            raise ConnectionOverError(f"no ticket: status {answer.status}")
        async with client.websocket("/ws", headers={"X-Ticket": await answer.text()}) as socket:
            assert_type(socket, WebSocket)
            async for turn in client.pace():
                assert_type(turn, int)
                client.send(client.name, turn)
                await socket.send_bytes(turn.to_bytes(4))
                assert_type(await client.within(socket.receive_bytes()), bytes)
                client.acked(client.name, turn)

    async def stored(self, session: Question) -> Sequence[int] | None:
        async with session.http.get(f"/rooms/{session.id}") as answer:
            numbers: list[int] = await answer.json()
            return numbers


def test_a_typed_class_is_a_driver_and_a_ledger() -> None:
    driver: Driver = Rooms()
    ledger: Ledger = Rooms()
    assert isinstance(driver, Ledger)
    assert isinstance(ledger, Rooms)
