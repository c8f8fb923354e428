"""The broken variants, each broken in its own way and in no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sim.gateway.store import Variant

Serve = Callable[..., Awaitable[Any]]
Stored = Callable[[str], Awaitable[list[tuple[str, int, str]]]]


async def say(socket: Any, *seqs: int) -> list[int]:
    """Send messages and return what is acknowledged."""
    for seq in seqs:
        await socket.send_json({"type": "message", "seq": seq, "body": ""})
    frames = [await socket.receive_json() for _ in seqs]
    assert {frame["type"] for frame in frames} <= {"ack"}
    return [frame["seq"] for frame in frames]


async def test_memory_forgets_elsewhere_and_stores_all_the_same(
    serve: Serve, database: str, stored: Stored
) -> None:
    variant = Variant(memory=True)
    fra, iad = await serve(database, "fra", variant), await serve(database, "iad", variant)
    socket, _ = await fra.open()
    await say(socket, 1, 2, 3)
    _, ready = await fra.open()
    assert ready["acked"] == 3
    socket, ready = await iad.open()
    assert ready["acked"] == 0
    assert await say(socket, 4, 5) == [4, 5]
    assert [seq for _, seq, _ in await stored(database)] == [1, 2, 3, 4, 5]


async def test_early_acknowledges_what_a_crash_loses(
    serve: Serve, link: Any, database: str, stored: Stored
) -> None:
    variant = Variant(early=True)
    fra = await serve(link.url, "fra", variant)
    socket, _ = await fra.open()
    await link.cut()
    assert await say(socket, 1, 2) == [1, 2]
    iad = await serve(database, "iad", variant)  # fra never gets to storing them
    socket, ready = await iad.open()
    assert ready["acked"] == 0
    assert await say(socket, 3) == [3]
    await asyncio.wait_for(iad.gateway.drain(), 5)  # noqa: TID251 - real time is meant
    assert [seq for _, seq, _ in await stored(database)] == [3]


async def test_without_dedupe_a_repeated_message_is_stored_twice(
    serve: Serve, database: str, stored: Stored
) -> None:
    machine = await serve(database, "fra", Variant(dedupe=False))
    socket, _ = await machine.open()
    assert await say(socket, 1, 2, 2) == [1, 2, 2]
    assert [seq for _, seq, _ in await stored(database)] == [1, 2, 2]
    _, ready = await machine.open()
    assert ready["acked"] == 2
