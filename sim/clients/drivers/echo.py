"""Echo: a WebSocket message every turn, which is expected back as it was."""

from __future__ import annotations

from sim.clients.client import Client
from sim.clients.ending import ConnectionOverError
from sim.clients.websocket import describe


class Echo:
    """Sends a text and waits for the same text. Answers must come in order."""

    def __init__(self) -> None:
        self._seq = 0

    async def run(self, client: Client) -> None:
        """Connect to `/echo` and echo until something fails or the load ends."""
        async with client.websocket("/echo") as socket:
            async for _ in client.pace():
                self._seq += 1
                text = f"{self._seq}:".ljust(client.payload, "x")
                client.send(client.name, self._seq)
                await socket.send_str(text)
                answer = await client.within(socket.receive())
                if answer.data != text:
                    raise ConnectionOverError(f"not what was sent came back: {describe(answer)}")
                client.acked(client.name, self._seq)
