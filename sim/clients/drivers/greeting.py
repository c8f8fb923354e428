"""What a declared client does before its session stands: requests, then what is said and heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

import aiohttp

from sim.clients.client import Client
from sim.clients.declaration import Request, Step, Wait
from sim.clients.ending import ConnectionOverError
from sim.clients.reply import Heard, Reply, plain
from sim.clients.template import Json, Template, Value, Values, fill_path, fill_text


class Talking(Protocol):
    """A connection over which a greeting goes."""

    async def say(self, frame: str | bytes) -> None:
        """Say it to the gateway."""

    async def receive(self) -> Heard:
        """What the gateway says next. Raises ConnectionOverError where the connection ended."""

    async def besides(self, heard: Heard) -> bool:
        """Take in what nobody waits for now; whether the driver knows it."""


async def ask(client: Client, requests: Iterable[Request], values: Values) -> dict[str, Value]:
    """Make the requests in order; the values that were taken from their answers.

    Raises ConnectionOverError where an answer is not what is expected, TimeoutError where none
    comes, ValueError where one that is has not what is to be taken from it.
    """
    taken: dict[str, Value] = {}
    for number, request in enumerate(requests, 1):
        where = f"step {number} of `before`, {request}"
        taken |= await _ask(client, request, {**values, **taken}, where)
    return taken


async def _ask(client: Client, request: Request, values: Values, where: str) -> dict[str, Value]:
    try:
        answer = await send_request(client, request, values)
    except TimeoutError as error:
        late = f"{where}: no answer in time, while {client.vantage.doing}"
        raise TimeoutError(late) from error
    body = Heard(await answer.read(), status=answer.status)
    if not expected(request, answer.status):
        client.turned_down(answer.headers, answer.status)
        raise ConnectionOverError(f"{where}: {body}")
    taken = taken_from(request, answer, body)
    for name, source in request.capture.items():
        if name not in taken:  # an answer of service, wrongly read: the driver's mistake
            raise ValueError(f"{where}: no `{name}` ({source.written}) in {body}")
    return taken


async def send_request(
    client: Client,
    request: Request,
    values: Values,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> aiohttp.ClientResponse:
    """The answer to a request with these values in it. Raises TimeoutError."""
    return await client.request(
        request.method,
        fill_path(request.path, values),
        timeout_s=timeout_s,
        headers=fill_headers({**(headers or {}), **request.headers}, values, request.body),
        data=request.body.frame(values) if request.body is not None else None,
    )


def taken_from(request: Request, answer: aiohttp.ClientResponse, body: Heard) -> dict[str, Value]:
    """The values that a request takes from its answer, as far as it has them."""
    cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
    found = {
        name: source.find(body, answer.headers, cookies) for name, source in request.capture.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def expected(request: Request, status: int) -> bool:
    """Whether a request is answered as it should be."""
    if request.expect is not None:
        return status == request.expect
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def fill_headers(
    headers: Mapping[str, str], values: Values, body: Template | None = None
) -> dict[str, str]:
    """The headers with their values, and a JSON body's type where they name none."""
    filled = {name: fill_text(text, values) for name, text in headers.items()}
    if isinstance(body, Json) and "content-type" not in map(str.lower, filled):
        filled["Content-Type"] = "application/json"
    return filled


async def greet(
    client: Client, steps: Sequence[Step], line: Talking, values: Values, of: str = ""
) -> dict[str, Value]:
    """Go through the steps of a `hello`; the values that were taken from what came.

    `of` follows a step's name, where there is more than one `hello`.

    Raises ConnectionOverError where the connection ends, TimeoutError where nothing fits, both with
    the step's number.
    """
    taken: dict[str, Value] = {}
    for number, step in enumerate(steps, 1):
        where = f"step {number} of `hello`{of}"
        if isinstance(step, Wait):
            _, given = await wait_for(client, (step.reply,), line, where)
            taken |= given
        elif isinstance(step.what, Request):
            request = step.what
            taken |= await _ask(client, request, {**values, **taken}, f"{where}, {request}")
        else:
            await line.say(step.what.frame({**values, **taken}))
    return taken


async def wait_for(
    client: Client, replies: Sequence[Reply], line: Talking, where: str
) -> tuple[Reply, dict[str, Value]]:
    """The first message that is one of the replies: which, and its values.

    What is none of them is taken in besides. `where` is the name of the last of the replies.

    Raises as `greet` does, beginning with `where`.
    """
    last: Heard | None = None
    strange: list[Heard] = []
    try:
        async with client.clock.timeout(client.timeout_s):
            while True:
                last = await line.receive()
                for reply in replies:
                    found = reply.read(last)
                    if found is not None:
                        if reply is replies[-1]:
                            client.matched(where)
                        return reply, {name: plain(value) for name, value in found.items()}
                if not await line.besides(last):
                    strange.append(last)
    except TimeoutError as error:
        if strange:
            client.missed(where, len(strange), str(strange[0]))
        came = "nothing came" if last is None else f"the last that came is {last}"
        message = f"no {replies[-1].written} within {client.timeout_s:g} s; {came}"
        raise TimeoutError(f"{where}: {message}") from error
    except ConnectionOverError as error:
        raise ConnectionOverError(f"{where}: {error}") from error
