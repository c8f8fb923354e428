"""One request and its answer between a client and a machine, streamed both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import h11

from sim.streams.http import fields as http_fields
from sim.streams.http.body import RequestBody
from sim.streams.http.peer import Event, HttpPeer


class BrokeOffError(Exception):
    """The machine ended or spoilt its connection before its answer was complete."""


async def upload(body: RequestBody, machine: HttpPeer) -> None:
    """Carry the request's body to the machine, from its beginning.

    Raises ConnectionError where the machine takes no more.
    """
    body.rewind()
    while isinstance(event := await body.next(), h11.Data):
        await machine.deliver(event)
    await machine.deliver(h11.EndOfMessage(headers=http_fields.trailers(event.headers)))


class Upload:
    """A request's body on its way to the machine, beside the answer."""

    def __init__(self, body: RequestBody, machine: HttpPeer) -> None:
        self._machine = machine.stream
        self._task = asyncio.create_task(upload(body, machine))
        self._task.add_done_callback(self._ended)

    @property
    def malformed(self) -> h11.RemoteProtocolError | None:
        """What is wrong with the body, where it turned out to be no HTTP."""
        if not self._task.done() or self._task.cancelled():
            return None
        error = self._task.exception()
        return error if isinstance(error, h11.RemoteProtocolError) else None

    async def finish(self) -> None:
        """Carry the rest although the answer is complete.

        Whether it is still wanted is between the client and the machine; either ends it by leaving.
        """
        self._machine.when_gone(self._task.cancel)
        await asyncio.wait([self._task])

    async def cancel(self) -> None:
        """Stop where it is."""
        self._machine.when_gone(None)
        self._task.cancel()
        await asyncio.wait([self._task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self.malformed is not None:
            # The machine must not take a part for the whole.
            self._machine.reset()
        elif not task.cancelled():
            task.exception()  # seen: a machine that takes no more tells why in its answer


class Rewrite(Protocol):
    """Turns the machine's headers into what the client gets."""

    def __call__(
        self, fields: http_fields.Headers, *, upgrade: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """The headers for the client."""


async def answer(
    client: HttpPeer,
    machine: HttpPeer,
    rewrite: Rewrite,
    body: RequestBody,
    *,
    speaks_1_1: bool,
    keeps: Callable[[http_fields.Headers], bool] = lambda _: False,
) -> int | h11.Response:
    """Carry the machine's answer to the client; the status of its final (or 101) response.

    An answer whose headers are for the edge itself (`keeps`) is not carried, but returned.

    Once it begins, nobody will send the request's `body` again.

    Raises BrokeOffError where the machine fails, ConnectionError where the client does.
    """
    while True:
        event = await _from_machine(machine)
        if isinstance(event, h11.InformationalResponse):
            upgrade = event.status_code == 101
            if upgrade:
                body.forget()
            if upgrade or speaks_1_1:
                fields = (
                    rewrite(event.headers.raw_items(), upgrade=True)
                    if upgrade
                    else event.headers.raw_items()
                )
                await client.deliver(
                    h11.InformationalResponse(
                        status_code=event.status_code, headers=fields, reason=event.reason
                    )
                )
            if upgrade:
                return 101
        elif isinstance(event, h11.Response):
            if keeps(event.headers.raw_items()):
                return event
            body.forget()
            status = event.status_code
            fields = rewrite(event.headers.raw_items())
            client.send(h11.Response(status_code=status, headers=fields, reason=event.reason))
            await client.stream.drain()
        elif isinstance(event, h11.Data):
            await client.deliver(h11.Data(data=bytes(event.data)))
        elif isinstance(event, h11.EndOfMessage):
            await client.deliver(h11.EndOfMessage(headers=http_fields.trailers(event.headers)))
            return status
        else:
            raise BrokeOffError("the machine closed before it answered")


async def rest_of(machine: HttpPeer, longest: int) -> bytes:
    """The body of an answer that is for the edge itself. Raises BrokeOffError, also if longer."""
    body = b""
    while isinstance(event := await _from_machine(machine), h11.Data):
        body += bytes(event.data)
        if len(body) > longest:
            raise BrokeOffError(f"more than {longest} bytes")
    if not isinstance(event, h11.EndOfMessage):
        raise BrokeOffError("it ended too soon")
    return body


async def _from_machine(machine: HttpPeer) -> Event:
    try:
        return await machine.receive()
    except (h11.RemoteProtocolError, ConnectionError) as error:
        raise BrokeOffError(str(error)) from error
