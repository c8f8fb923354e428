"""What a driver's WebSocket does while its driver does something else, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from itertools import count

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from sim.clients.ending import ConnectionClosedError, ConnectionOverError, EndIgnored
from sim.clients.pace import Pace, Watch
from sim.clients.websocket import MOST_UNREAD, WebSocket, Wire
from sim.clock import Clock


@pytest.fixture
async def connect():
    """Connects to a gateway that is one function of a server's WebSocket."""
    async with AsyncExitStack() as stack:

        async def make(gateway, on_end=lambda: None, **server):
            async def handler(request):
                socket = web.WebSocketResponse(**server)
                await socket.prepare(request)
                await gateway(socket)
                return socket

            app = web.Application()
            app.router.add_get("/", handler)
            runner = web.AppRunner(app, shutdown_timeout=0.01, handle_signals=False)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            http = await stack.enter_async_context(aiohttp.ClientSession(ws_response_class=Wire))
            port = runner.addresses[0][1]
            wire = await http.ws_connect(
                f"http://127.0.0.1:{port}/", autoclose=False, max_msg_size=0
            )
            assert isinstance(wire, Wire)
            socket = WebSocket(wire, Clock(), on_end)
            stack.push_async_callback(socket.gone)
            stack.callback(socket.drop)
            return socket

        yield make


async def within(awaitable, seconds=5.0):
    async with Clock().timeout(seconds):
        return await awaitable


async def until(so):
    async with Clock().timeout(5.0):
        while not so():
            await Clock().sleep(0)


def cut(socket):
    socket._req.transport.abort()


async def close(socket):
    await socket.close(code=4001, message=b"too old")


class Ended:
    """What wakes the test once the socket has noticed its end."""

    def __init__(self):
        self.event = asyncio.Event()

    def __call__(self):
        self.event.set()


async def test_pings_are_answered_while_nobody_receives(connect):
    answered = asyncio.get_running_loop().create_future()

    async def gateway(socket):
        await socket.ping(b"there?")
        answered.set_result(await socket.receive())

    await connect(gateway, autoping=False)
    pong = await within(answered)
    assert (pong.type, pong.data) == (WSMsgType.PONG, b"there?")


async def test_what_came_before_the_end_is_received_first(connect):
    async def gateway(socket):
        await socket.send_str("one")
        await socket.send_bytes(b"two")
        await socket.send_json(["three"])
        await close(socket)

    ended = Ended()
    socket = await connect(gateway, ended)
    await ended.event.wait()
    assert await socket.receive_str() == "one"
    assert await socket.receive_bytes() == b"two"
    assert await socket.receive_json() == ["three"]
    with pytest.raises(ConnectionClosedError):
        await socket.receive()


async def in_receive(socket):
    await socket.receive()


async def in_receive_json(socket):
    await socket.receive_json()


async def in_a_loop(socket):
    async for message in socket:
        raise AssertionError(message)


async def in_a_send(socket):
    while True:
        await socket.send_str("on")
        await Clock().sleep(0)


async def in_send_json(socket):
    await until(lambda: socket.closed)
    await socket.send_json({})


CALLS = [in_receive, in_receive_json, in_a_loop, in_a_send, in_send_json]


@pytest.mark.parametrize("call", CALLS)
async def test_the_gateways_close_comes_with_its_code_and_reason_in_every_call(connect, call):
    socket = await connect(close)
    with pytest.raises(ConnectionClosedError, match=r"^closed with code 4001 \(too old\)$") as end:
        await within(call(socket))
    assert (end.value.code, end.value.reason) == (4001, "too old")
    assert socket.closed
    assert socket.close_code == 4001


@pytest.mark.parametrize("call", CALLS)
async def test_a_cut_connection_is_code_1006_in_every_call(connect, call):
    async def gateway(socket):
        cut(socket)

    socket = await connect(gateway)
    with pytest.raises(ConnectionClosedError, match="ended without a close frame") as end:
        await within(call(socket))
    assert (end.value.code, end.value.reason) == (1006, "")


@pytest.mark.parametrize("call", [in_receive, in_send_json])
async def test_a_loop_that_keeps_the_end_to_itself_ends_and_lets_others_run_meanwhile(
    connect, call
):
    socket = await connect(close)
    others = asyncio.ensure_future(until(lambda: socket._telling._told > 10))

    async def goes_on():
        while True:
            with contextlib.suppress(Exception):
                await within(call(socket))

    with pytest.raises(EndIgnored, match="it was told: closed with code 4001"):
        await goes_on()
    assert others.done()


async def test_a_close_frame_without_a_code_is_code_1005(connect):
    async def gateway(socket):
        await socket._writer.send_frame(b"", WSMsgType.CLOSE)
        await socket.receive()

    socket = await connect(gateway)
    with pytest.raises(ConnectionClosedError, match="closed without a code") as end:
        await socket.receive()
    assert end.value.code == 1005


class Term:
    ends_at = 1000.0

    async def closing(self):
        """Never asked: the load goes on."""


async def test_an_end_ends_the_wait_for_a_turn_at_once(connect):
    go = asyncio.Event()

    async def gateway(socket):
        await go.wait()
        await close(socket)

    clock = Clock()
    watch = Watch(lambda: socket.end)
    socket = await connect(gateway, watch.ended)
    pace = Pace(600.0, Term(), clock, count(), watch)
    assert await anext(pace) == 0
    waiting = asyncio.ensure_future(anext(pace))
    await Clock().sleep(0)
    go.set()
    with pytest.raises(ConnectionClosedError, match="4001"):
        await within(waiting)
    with pytest.raises(ConnectionClosedError, match="4001"):
        await anext(pace)


async def test_a_driver_that_does_not_receive_holds_the_gateway_back(connect):
    said = 0
    ended = Ended()

    async def gateway(socket):
        nonlocal said
        for _ in range(400):
            await socket.send_bytes(bytes(64 * 1024))
            said += 1
        await close(socket)

    socket = await connect(gateway, ended)
    await until(lambda: socket.stuffed)
    held = len(socket._unread)
    assert held == MOST_UNREAD // (64 * 1024 + 128) + 1
    for _ in range(1000):
        await Clock().sleep(0)
    assert len(socket._unread) == held
    assert said < 400
    assert not ended.event.is_set()
    taken = [message async for message in _until_the_end(socket)]
    assert len(taken) == said == 400
    assert socket.close_code == 4001


async def _until_the_end(socket):
    try:
        async for message in socket:
            yield message
    except ConnectionClosedError:
        return


async def test_a_send_tells_the_end_even_where_much_lies_unread(connect):
    async def gateway(socket):
        for _ in range(30):
            await socket.send_bytes(bytes(64 * 1024))
        cut(socket)

    socket = await connect(gateway)
    await until(lambda: socket.stuffed)
    with pytest.raises(ConnectionClosedError, match="without a close frame"):
        await within(in_a_send(socket))


async def test_two_tasks_cannot_receive_at_once(connect):
    async def gateway(socket):
        await socket.receive()

    socket = await connect(gateway)
    first = asyncio.ensure_future(socket.receive())
    await Clock().sleep(0)
    with pytest.raises(RuntimeError, match="two tasks receive"):
        await socket.receive()
    with pytest.raises(TimeoutError):
        await within(first, 0.01)
    with pytest.raises(TimeoutError):
        await socket.receive(timeout=0.01)


async def test_a_close_of_ones_own_waits_for_the_gateways_and_is_no_end_of_the_gateways(connect):
    heard = asyncio.get_running_loop().create_future()

    async def gateway(socket):
        message = await socket.receive()
        heard.set_result((message.type, message.data))

    ended = Ended()
    socket = await connect(gateway, ended)
    await socket.close()
    assert await heard == (WSMsgType.CLOSE, 1000)
    assert socket.end is None
    assert not ended.event.is_set()
    with pytest.raises(ConnectionOverError, match="closed by the client"):
        await socket.receive()
    with pytest.raises(ConnectionOverError, match="closed by the client"):
        await socket.send_str("x")
    assert [message async for message in socket] == []


async def test_a_message_of_another_kind_is_said_so(connect):
    async def gateway(socket):
        await socket.send_bytes(b"\x00")
        await socket.receive()

    socket = await connect(gateway)
    with pytest.raises(TypeError, match=r"expected text, got b'\\x00'"):
        await socket.receive_str()
