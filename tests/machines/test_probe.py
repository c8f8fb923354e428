from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sim.clock import Clock
from sim.machines.probe import probe
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

HTTP = Check(path="/healthz", timeout_s=2.0)
TCP = Check(type="tcp", timeout_s=2.0)


@asynccontextmanager
async def answering(answer: bytes | None, heard: list[bytes]) -> AsyncIterator[Endpoint]:
    """A server that answers each request with these bytes, or with nothing."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            if answer is None:
                await done.wait()
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            heard.append(b"")
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.92.0.9", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield Endpoint(host, port)
    finally:
        done.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "passed", "output"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True, "status 200"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True, "status 204"),
        (b"HTTP/1.0 200\r\n\r\n", True, "status 200"),
        (b"HTTP/1.1 200 \r\n\r\n", True, "status 200"),
        (b"HTTP/1.1 301 Moved Permanently\r\nLocation: /\r\n\r\n", False, "status 301"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False, "status 503"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, "status 100"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", False, "not HTTP/1: 'HTTP/1.1 2000 OK'"),
        (b"HTTP/2 200 OK\r\n\r\n", False, "not HTTP/1: 'HTTP/2 200 OK'"),
        (b"hello 200\r\n", False, "not HTTP/1: 'hello 200'"),
        (b"", False, "closed or talked nonsense before a status line"),
        (b"x" * 5000, False, "closed or talked nonsense before a status line"),
    ],
)
async def test_only_a_2xx_status_line_passes(answer: bytes, passed: bool, output: str) -> None:
    heard: list[bytes] = []
    async with answering(answer, heard) as endpoint:
        result = await probe(HTTP, endpoint, Clock())
    assert (result.passed, result.output) == (passed, output)
    assert heard[0].startswith(b"GET /healthz HTTP/1.1\r\nHost: " + str(endpoint).encode())


async def test_a_machine_that_accepts_and_says_nothing_fails_after_the_timeout() -> None:
    clock = Clock(20.0)
    heard: list[bytes] = []
    async with answering(None, heard) as endpoint:
        began = clock.now()
        result = await probe(HTTP, endpoint, clock)
    assert not result.passed
    assert result.output == "no answer within 2 s"
    assert 2.0 <= clock.now() - began < 20.0


@pytest.mark.parametrize("check", [HTTP, TCP])
async def test_a_refused_connection_fails(check: Check) -> None:
    result = await probe(check, Endpoint("127.92.0.9", 1), Clock())
    assert not result.passed
    assert result.output == "127.92.0.9:1: connection refused"


async def test_a_tcp_check_passes_once_it_is_connected() -> None:
    heard: list[bytes] = []
    async with answering(None, heard) as endpoint:
        result = await probe(TCP, endpoint, Clock())
    assert result.passed


async def test_a_check_is_sent_with_its_method_and_headers_and_they_win_over_ours() -> None:
    heard: list[bytes] = []
    headers = (("X-Forwarded-Proto", "https"), ("host", "voice.example"))
    check = Check(path="/up", method="HEAD", headers=headers)
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n", heard) as endpoint:
        await probe(check, endpoint, Clock())
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "HEAD /up HTTP/1.1"
    assert "X-Forwarded-Proto: https" in lines
    assert [line for line in lines if line.lower().startswith("host:")] == ["host: voice.example"]
