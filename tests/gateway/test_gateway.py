"""The reference gateway against a real database: what it promises, it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import asyncpg
import pytest

from sim.clock import Clock
from sim.gateway.store import Store, Variant
from sim.gateway.tables import create

Serve = Callable[..., Awaitable[Any]]
Stored = Callable[[str], Awaitable[list[tuple[str, int, str]]]]


def message(seq: int) -> dict[str, object]:
    return {"type": "message", "seq": seq, "body": f"body {seq}"}


async def send(socket: aiohttp.ClientWebSocketResponse, *seqs: int) -> None:
    for seq in seqs:
        await socket.send_json(message(seq))


async def acks(socket: aiohttp.ClientWebSocketResponse, number: int) -> list[int]:
    frames = [await socket.receive_json() for _ in range(number)]
    assert {frame["type"] for frame in frames} == {"ack"}
    return [frame["seq"] for frame in frames]


async def health(machine: Any) -> tuple[int, str]:
    async with machine.http.get(f"{machine.base}/healthz") as answer:
        return answer.status, (await answer.json())["database"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    clock = Clock()
    async with clock.timeout(10.0):
        while not await condition():
            await clock.sleep(0.005)


async def test_messages_are_acknowledged_and_stored_in_order(
    serve: Serve, database: str, stored: Stored
) -> None:
    machine = await serve(database, "fra")
    socket, ready = await machine.open("london/1")
    assert ready == {
        "type": "ready",
        "session": "london/1",
        "region": "fra",
        "machine": "fra-1",
        "acked": 0,
    }
    await send(socket, *range(1, 101))
    assert await acks(socket, 100) == list(range(1, 101))
    assert await stored(database) == [("london/1", seq, "fra") for seq in range(1, 101)]


async def test_another_machine_resumes_a_session_where_it_was(
    serve: Serve, database: str, stored: Stored
) -> None:
    fra, iad = await serve(database, "fra"), await serve(database, "iad")
    socket, _ = await fra.open()
    await send(socket, 1, 2, 3)
    await acks(socket, 3)
    socket, ready = await iad.open()
    assert (ready["region"], ready["acked"]) == ("iad", 3)
    await send(socket, 4)
    await acks(socket, 1)
    assert [region for _, _, region in await stored(database)] == ["fra", "fra", "fra", "iad"]


async def test_a_repeated_message_is_acknowledged_again_and_stored_once(
    serve: Serve, database: str, stored: Stored
) -> None:
    machine = await serve(database)
    socket, _ = await machine.open()
    await send(socket, 1, 2, 2, 1, 3)
    assert await acks(socket, 5) == [1, 2, 2, 1, 3]
    assert [seq for _, seq, _ in await stored(database)] == [1, 2, 3]


async def test_a_session_that_two_machines_write_at_once_is_stored_once_and_in_order(
    serve: Serve, database: str, stored: Stored
) -> None:
    """As after a failover, when the first machine was only frozen and goes on."""
    machines = [await serve(database, region) for region in ("fra", "iad", "syd")]
    sockets = [(await each.open(name))[0] for each in machines for name in ("a", "b")]
    await asyncio.gather(*(send(socket, *range(1, 51)) for socket in sockets))
    for acked in await asyncio.gather(*(acks(socket, 50) for socket in sockets)):
        assert acked == list(range(1, 51))
    rows = await stored(database)
    for session in "ab":
        assert [seq for name, seq, _ in rows if name == session] == list(range(1, 51))


@pytest.mark.parametrize("frame", ['{"type": "message", "seq": 3, "body": ""}', "hello"])
async def test_who_breaks_the_protocol_is_told_and_closed(
    serve: Serve, database: str, stored: Stored, frame: str
) -> None:
    machine = await serve(database)
    socket, _ = await machine.open()
    await send(socket, 1)
    await acks(socket, 1)
    await socket.send_str(frame)
    assert (await socket.receive_json())["type"] == "error"
    farewell = await socket.receive()
    assert (farewell.type, farewell.data) == (aiohttp.WSMsgType.CLOSE, 1008)
    assert len(await stored(database)) == 1


async def test_a_session_needs_a_name(serve: Serve, database: str) -> None:
    machine = await serve(database)
    for bad in ("", "a b", "x" * 200):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await machine.open(bad)
        assert caught.value.status == 400


async def test_it_acknowledges_only_what_the_database_has_confirmed(
    serve: Serve, link: Any, database: str, stored: Stored
) -> None:
    machine = await serve(link.url)
    socket, _ = await machine.open()
    await send(socket, 1)
    await acks(socket, 1)
    link.silence()
    await send(socket, 2)

    async def has_it() -> bool:
        return len(await stored(database)) == 2

    await until(has_it)  # committed, but the gateway was not told yet
    answer = asyncio.create_task(socket.receive_json())
    async with machine.http.get(f"{machine.base}/"):
        pass  # the gateway has had its turn since
    assert not answer.done()
    link.speak()
    assert await answer == {"type": "ack", "seq": 2}


async def test_an_outage_of_the_database_delays_and_loses_nothing(
    serve: Serve, link: Any, database: str, stored: Stored
) -> None:
    machine = await serve(link.url)
    socket, _ = await machine.open("before")
    await send(socket, 1)
    await acks(socket, 1)
    assert await health(machine) == (200, "up")
    await link.cut()
    await send(socket, 2, 3)
    opening = asyncio.create_task(machine.open("during"))

    async def healthy_without() -> bool:
        return await health(machine) == (200, "down")

    await until(healthy_without)  # another machine would not reach the database either
    await link.heal()
    assert await acks(socket, 2) == [2, 3]
    other, ready = await opening
    assert ready["acked"] == 0
    await send(other, 1)
    await acks(other, 1)
    assert [seq for name, seq, _ in await stored(database) if name == "before"] == [1, 2, 3]


async def test_it_is_healthy_once_it_has_reached_the_database(serve: Serve, link: Any) -> None:
    await link.cut()
    machine = await serve(link.url)

    async def healthy() -> bool:
        return await health(machine) == (200, "up")

    assert await health(machine) == (503, "down")
    await link.heal()
    await until(healthy)
    socket, _ = await machine.open()
    await send(socket, 1)
    assert await acks(socket, 1) == [1]


async def test_resuming_goes_on_after_the_last_message_without_a_gap(
    serve: Serve, database: str
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(create(dedupe=False))
    await connection.execute(
        "INSERT INTO messages (session, seq, body, region, machine)"
        " SELECT 's', seq, '', 'fra', 'm' FROM unnest('{1,2,2,3,5,6}'::int[]) AS seq"
    )
    await connection.execute("DELETE FROM messages WHERE position = 2")
    await connection.close()
    machine = await serve(database)
    _, ready = await machine.open()
    assert ready["acked"] == 3


async def test_gateways_that_start_at_once_create_the_tables_together(database: str) -> None:
    connections = [await asyncpg.connect(database) for _ in range(8)]
    await asyncio.gather(*(each.execute(create(dedupe=True)) for each in connections))
    assert await connections[0].fetchval("SELECT count(*) FROM messages") == 0
    for each in connections:
        await each.close()


async def test_draining_says_goodbye_after_the_last_acknowledgement(
    serve: Serve, link: Any
) -> None:
    machine = await serve(link.url)
    socket, _ = await machine.open()
    echo = await machine.connect("echo")
    link.silence()
    await send(socket, 1, 2)
    async with machine.http.get(f"{machine.base}/"):
        pass  # the messages have arrived before this request was answered
    drained = asyncio.create_task(machine.gateway.drain())
    assert await socket.receive_json() == {"type": "going_away"}
    assert (await health(machine))[0] == 503
    for path in ("session", "echo"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await machine.connect(path, id="t")
        assert caught.value.status == 503
    link.speak()
    assert await acks(socket, 2) == [1, 2]
    for each in (socket, echo):
        farewell = await each.receive()
        assert (farewell.type, farewell.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    await drained


async def test_a_client_that_leaves_in_the_moment_of_its_goodbye_does_not_end_the_draining(
    serve: Serve, database: str
) -> None:
    machine = await serve(database)
    socket, _ = await machine.open()
    (connection,) = machine.gateway._connections
    goodbye = connection.close(Clock(), aiohttp.WSCloseCode.GOING_AWAY, "going away")
    await asyncio.gather(goodbye, connection.drop())  # which its handler calls once it is gone
    assert (await socket.receive()).data == 1001


async def test_without_a_database_there_are_no_sessions_but_echoes(serve: Serve) -> None:
    machine = await serve(None, "fra")
    async with machine.http.get(f"{machine.base}/") as about:
        assert await about.json() == {"app": "atlas", "region": "fra", "machine": "fra-1"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await machine.open()
    assert caught.value.status == 503
    echo = await machine.connect("echo")
    await echo.send_str("hällo")
    await echo.send_bytes(b"\x00\xff")
    assert [(await echo.receive()).data, (await echo.receive()).data] == ["hällo", b"\x00\xff"]
    await echo.close()


async def test_a_gateway_that_waits_keeps_no_other_from_starting(database: str) -> None:
    """Preparing its statements leaves no lock behind: another one creates its tables meanwhile."""
    store = Store(database, "fra", "m1", Variant(), Clock())
    connection = await asyncpg.connect(database)
    try:
        store.start()
        await until(lambda: _is(store.connected))
        await connection.execute("SET lock_timeout = '2s'")
        await connection.execute(create(dedupe=True))
    finally:
        await connection.close()
        await store.stop()


async def _is(value: bool) -> bool:
    return value
