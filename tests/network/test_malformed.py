"""Thousands of malformed requests get 4xx, never 5xx, and the server lives."""

from __future__ import annotations

import asyncio
import json

import pytest

from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.network.link_spec import ProxySpec
from sim.network.toxiproxy_api import LinkServerClient
from sim.rng import Rng
from tests.network.conftest import HOST

AT_ONCE = 8

PATHS = [
    "/proxies",
    "/proxies/a",
    "/proxies/a/toxics",
    "/proxies/a/toxics/t",
    "/populate",
    "/proxies/%00",
    "/proxies/%ff%fe",
    "/nope",
    "/proxies/" + "x" * 5000,
]
VALID = {
    "name": "n",
    "upstream": "127.0.0.1:1",
    "listen": "127.90.0.1:0",
    "enabled": False,
    "type": "latency",
    "stream": "upstream",
    "toxicity": 1,
    "attributes": {"latency": 1, "jitter": 2},
}
NO_STRINGS = [[], {}, 1.5, -1, 2**70, 1e308, True, [[[]]], {"a": {}}, [1] * 50]
NO_NUMBERS = ["1", "\ud800", [], {}, True]
NO_OBJECTS = ["x", [], 5, True, {"latency": "1", "rate": 1.5, "jitter": 2**70}]


def body(rng: Rng) -> bytes:
    """A body that no endpoint takes: cut off, of the wrong types, or no JSON at all."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 200))
    if kind == 1:
        return json.dumps(VALID).encode()[: rng.randrange(0, 100)]
    if kind == 2:
        return rng.choice([b"[" * 100_000, b'{"a":' * 20_000, b"9" * 6000, b"NaN", b"-", b"\xff{}"])
    if kind == 3:
        return json.dumps(rng.choice([[5], "x", 7, True, [["a"]]])).encode()
    wrong = {
        **{
            name: rng.choice(NO_STRINGS)
            for name in ("name", "upstream", "listen", "stream", "type")
        },
        "enabled": rng.choice(["yes", 1, [], {}]),
        "toxicity": rng.choice(NO_NUMBERS),
        "attributes": rng.choice(NO_OBJECTS),
    }
    return json.dumps(wrong).encode()


def request(rng: Rng) -> bytes:
    """A malformed request: its body, or HTTP itself."""
    path = rng.choice(PATHS)
    if rng.random() < 0.1:
        return rng.choice(
            [
                b"GARBAGE\r\n\r\n",
                b"GET /proxies HTTP/9.9\r\n\r\n",
                b"POST /proxies HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                b"POST /proxies HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                b"GET /proxies HTTP/1.1\r\nno colon\r\n\r\n",
                b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
                b"GET " + b"/x" * 20_000 + b" HTTP/1.1\r\n\r\n",
            ]
        )
    content = body(rng)
    method = rng.choice(["POST", "POST", "PATCH", "PUT", "BREW"])
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def status_of(sent: bytes, host: str, port: int) -> int:
    """The status that a request gets on a connection of its own."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(sent)
    try:
        line = await reader.readline()
        return int(line.split()[1])
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.thorough)])
async def test_malformed_requests_are_told_so(
    server: EmbeddedLinkServer, client: LinkServerClient, count: int
) -> None:
    await client.upsert(ProxySpec("a", f"{HOST}:0", f"{HOST}:1"))
    rng = Rng(1, "malformed")
    requests = iter([request(rng) for _ in range(count)])
    strange: list[tuple[int, bytes]] = []

    async def work() -> None:
        for sent in requests:
            status = await status_of(sent, server.endpoint.host, server.endpoint.port)
            if not 400 <= status < 500:
                strange.append((status, sent[:300]))

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert strange == []
    assert list(await client.proxies()) == ["a"]
