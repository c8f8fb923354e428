"""What a driver in Python needs, by type, from one place (docs/drivers.md).

For example::

    from sim.drivers import Client, ConnectionOverError

    class Greeter:
        async def run(self, client: Client) -> None:
            answer = await client.request("POST", "/tickets", json={"for": client.name})
            if answer.status != 201:
                raise ConnectionOverError(f"no ticket: status {answer.status}")
            ticket = (await answer.json())["ticket"]
            async with client.websocket(f"/greet?ticket={ticket}") as socket:
                async for turn in client.pace():
                    client.send(client.name, turn)
                    await socket.send_str("hello")
                    await client.within(socket.receive_str())
                    client.acked(client.name, turn)
"""

from sim.clients.client import Client
from sim.clients.driver import Driver, LaggingLedger, Ledger, Question
from sim.clients.ending import ConnectionClosedError, ConnectionOverError
from sim.clients.websocket import WebSocket

__all__ = [
    "Client",
    "ConnectionClosedError",
    "ConnectionOverError",
    "Driver",
    "LaggingLedger",
    "Ledger",
    "Question",
    "WebSocket",
]
