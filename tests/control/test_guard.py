"""Who the control server answers, asked over real sockets."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from sim.clock import Clock
from sim.control_server import control_server
from sim.control_server.control_server import ControlServer
from sim.control_server.exposure import further_listeners
from sim.control_server.guard import open_to_all
from sim.errors import InputError

TOKEN = "a-token-of-the-test"


class Page:
    """A site with a path that is open and one that is not."""

    def routes(self):
        return [web.get("/", self.front), web.get("/inner", self.inner)]

    @open_to_all
    async def front(self, request):
        del request
        return web.Response(text="welcome")

    async def inner(self, request):
        del request
        return web.Response(text="secrets")


class Asking:
    """Asks a server, and knows what its verb `count` was called with."""

    def __init__(self, server, port, counted):
        self.server, self.port, self.counted = server, port, counted

    async def __call__(self, method, path, **headers):
        """The status and the text of the answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, url, json={} if method == "POST" else None) as got,
        ):
            return got.status, await got.text()


@pytest.fixture
async def ask():
    """A server with the verb `count` and the site above."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = ControlServer([listener], TOKEN)
    counted: list[object] = []

    async def count(body):
        counted.append(body)
        return len(counted)

    server.verb("count", count)
    server.mount(Page())
    await server.start()

    yield Asking(server, port, counted)
    await server.stop()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "FlyV1"])
async def test_the_token_is_taken_in_the_schemes_that_clients_write(ask, scheme):
    assert await ask("POST", "/count", Authorization=f"{scheme} {TOKEN}") == (200, "1")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \u00e9"]
)
async def test_without_the_token_nothing_is_done(ask, authorization):
    for method, path in (("POST", "/count"), ("GET", "/inner"), ("POST", "/nonsense")):
        status, text = await ask(method, path, Authorization=authorization)
        assert (status, text) == (401, '{"error": "no valid token"}')
    assert ask.counted == []


async def test_a_handler_may_be_open_to_all(ask):
    assert await ask("GET", "/") == (200, "welcome")
    assert await ask("GET", "/inner", Authorization=f"Bearer {TOKEN}") == (200, "secrets")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_is_refused_even_with_the_token(ask, origin):
    status, text = await ask("POST", "/count", Authorization=f"Bearer {TOKEN}", Origin=origin)
    assert status == 403
    assert origin in text
    assert ask.counted == []


async def test_its_own_page_is_let_in(ask):
    origin = f"http://127.0.0.1:{ask.port}"
    status, _ = await ask("POST", "/count", Authorization=f"Bearer {TOKEN}", Origin=origin)
    assert status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("rebound.example", 403),
        ("rebound.example:8470", 403),
        ("127.0.0.1.rebound.example", 403),
        ("localhost:8470", 200),
        ("127.0.0.1", 200),
        ("[::1]:8470", 200),
        ("[::1]", 200),
    ],
)
async def test_a_name_that_somebody_else_may_own_is_refused(ask, host, status):
    """DNS rebinding: a page at a name of its own, which it has lead here."""
    got, _ = await ask("POST", "/count", Authorization=f"Bearer {TOKEN}", Host=host)
    assert got == status


async def test_a_token_beyond_ascii_is_another_token(ask):
    reader, writer = await asyncio.open_connection("127.0.0.1", ask.port)
    request = b"POST /count HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xe9\xff\r\n\r\n"
    writer.write(request)
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_it_answers_again_after_a_restart(ask):
    await ask.server.restart()
    await ask.server.ping()
    assert await ask("GET", "/") == (200, "welcome")


def test_beyond_loopback_a_token_must_have_been_chosen():
    with pytest.raises(InputError, match="SIM_TOKEN"):
        further_listeners({"SIM_CONTROL": "0.0.0.0:0"})
    (listener,) = further_listeners({"SIM_CONTROL": "0.0.0.0:0", "SIM_TOKEN": "chosen"})
    listener.close()
    (listener,) = further_listeners({"SIM_CONTROL": "[::1]:0"})
    listener.close()
    assert further_listeners({}) == []


@pytest.mark.parametrize("named", ["8470", "localhost:8470", "0.0.0.0", "127.0.0.1:http"])
def test_what_is_no_address_is_named(named):
    with pytest.raises(InputError, match=r"0\.0\.0\.0:8471"):
        further_listeners({"SIM_CONTROL": named})


async def test_a_head_that_does_not_come_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(control_server, "_HEAD_REAL_S", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    server = ControlServer([listener], TOKEN)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /status HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        async with Clock().timeout(30):
            assert await reader.read() == b""
        writer.close()
    finally:
        await server.stop()


async def test_a_head_that_came_keeps_its_connection(monkeypatch):
    monkeypatch.setattr(control_server, "_HEAD_REAL_S", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    server = ControlServer([listener], TOKEN)
    longer = asyncio.Event()

    async def later(body):
        asyncio.get_running_loop().call_later(0.5, longer.set)
        await longer.wait()
        return {}

    server.verb("later", later)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(
            f"POST /later HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        async with Clock().timeout(30):
            assert b" 200 " in await reader.readline()
        writer.close()
    finally:
        await server.stop()
