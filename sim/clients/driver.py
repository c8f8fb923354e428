"""How a simulated client talks to a gateway: the one method that a user writes.

A driver is made once for each client, without arguments, and keeps what the client remembers from
one connection to the next. For example::

    class Greeter:
        async def run(self, client):
            async with client.websocket("/greet") as socket:
                async for turn in client.pace():
                    client.send(client.name, turn)
                    await socket.send_str("hello")
                    await client.within(socket.receive_str())
                    client.acked(client.name, turn)

What it passes to `client.acked` the gateway has promised to keep. Whether it did is found out where
the driver also has a method that asks for it (see Question)::

        async def stored(self, session):
            async with session.http.get(f"/kept/{session.id}") as answer:
                return [message["number"] for message in await answer.json()]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import aiohttp

from sim.clients.client import Client


class Driver(Protocol):
    """One way to talk to a gateway."""

    async def run(self, client: Client) -> None:
        """Live the life of one connection, from connecting to its end.

        Return or raise when it is over; the load connects again after a backoff. Where `pace()`
        ends, the client is to close. Let ConnectionClosedError through, which says that the
        gateway has ended the connection, with its code and reason.
        """


@dataclass(frozen=True)
class Question:
    """Which session is asked about, after the run, and whom a driver may ask.

    `id` is what the driver called it in `client.send`, `client` who sent it. `http` speaks to one
    machine of the gateway directly, past links and edges, so that no fault colours the answer: to
    the one that acknowledged the session's last message, else to any that is up. Paths are
    relative to it (`session.http.get("/kept")`). `database_url` is the topology's database.
    """

    id: str
    client: str
    http: aiohttp.ClientSession
    database_url: str | None = None


@runtime_checkable
class Ledger(Protocol):
    """A driver that can ask the gateway what it kept."""

    async def stored(self, session: Question) -> Sequence[int] | None:
        """The numbers of the session's messages, in the order of storing.

        One that is stored twice is there twice. None where the gateway knows no such session.
        Raise where that cannot be found out: what became of the messages is then unknown, not lost.
        Asked once for each session, for reading may empty a queue.
        """


@runtime_checkable
class Lagging(Protocol):
    """A driver of a store that may lag behind acknowledgements, by seconds of the gateway's clock.

    Sessions of which something acknowledged is not there yet are asked again until it is, or until
    so long after the first question.
    """

    settles_within_s: float


@runtime_checkable
class LaggingLedger(Ledger, Lagging, Protocol):
    """One that can ask, of a store that may lag."""
