"""How a player of the score board plays: the driver a user writes for a gateway of their own."""

from __future__ import annotations

from sim.clients.client import Client


class Player:
    """Enters, then hits once a turn; a hit is done when the board has counted it."""

    def __init__(self) -> None:
        self._hits = 0

    async def run(self, client: Client) -> None:
        """One connection's life."""
        async with client.websocket("/board") as board:
            await board.send_json({"cmd": "enter", "player": client.name})
            entered = await client.within(board.receive_json())
            assert entered["ev"] == "entered"
            async for _ in client.pace():
                self._hits += 1
                client.send(client.name, self._hits)
                await board.send_json({"cmd": "hit", "no": self._hits})
                counted = await client.within(board.receive_json())
                client.acked(client.name, counted["no"])
