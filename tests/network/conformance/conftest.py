"""The two link servers under one suite, a raw client of their API, and peers at both ends.

Every test in this folder runs against the embedded server and against stock Toxiproxy (which
tests/network/install_toxiproxy.sh builds; without Go those are skipped with the reason). What
ours does differently on purpose is in test_differences.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from sim.clock import Clock
from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.rng import Rng
from sim.streams.accept import Acceptor
from sim.topology.addresses import Endpoint

PATIENCE_S = 10.0


@pytest.fixture(scope="session")
def stock(stock_binary: str) -> Iterator[Endpoint]:
    """A stock toxiproxy-server, one for all tests."""
    endpoint = free_endpoint()
    host, port = endpoint.host, str(endpoint.port)
    command = [stock_binary, "-host", host, "-port", port, "-proxy-metrics"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield endpoint
        process.kill()


@pytest.fixture(params=["embedded", pytest.param("stock", marks=pytest.mark.thorough)])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """The API of a link server without proxies."""
    server = None
    if request.param == "embedded":
        server = EmbeddedLinkServer(Endpoint("127.90.10.1", 0), Clock(), Rng(7))
        await server.start()
        endpoint = server.endpoint
    else:
        endpoint = request.getfixturevalue("stock")
    async with aiohttp.ClientSession(headers={"User-Agent": "conformance"}) as session:
        api = Api(session, endpoint)
        await api.ready()
        yield api
        for name in (await api.get("proxies")).json:
            await api("DELETE", f"proxies/{name}")
    if server:
        await server.stop()


def free_endpoint(host: str = "127.90.10.1") -> Endpoint:
    """An address and port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        return Endpoint(host, sock.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    """A response, whole."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        """Its body, whatever the content type says."""
        return json.loads(self.text)

    @property
    def error(self) -> str:
        """The message of an error."""
        assert self.json["status"] == self.status
        return str(self.json["error"])


class Api:
    """Requests as any HTTP client would send them."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
        self._session = session
        self._endpoint = endpoint

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request; `raw` is a body that is no JSON."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        url = URL(f"http://{self._endpoint}/{path}", encoded=True)
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers, await response.text())

    async def get(self, path: str) -> Answer:
        """GET."""
        return await self("GET", path)

    async def post(self, path: str, body: Any = None) -> Answer:
        """POST."""
        return await self("POST", path, body)

    async def ready(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(PATIENCE_S):  # noqa: TID251 - the machine's own patience
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    await self.get("version")
                    return
                await asyncio.sleep(0.02)  # noqa: TID251 - a process is starting

    async def proxy(self, upstream: Endpoint | str, name: str = "a", **more: Any) -> Endpoint:
        """Create a proxy; where it listens."""
        body = {"name": name, "listen": "127.90.10.3:0", "upstream": str(upstream), **more}
        answer = await self.post("proxies", body)
        assert answer.status == 201, answer.text
        return listening(answer.json)

    async def toxic(
        self, kind: str, stream: str = "downstream", name: str | None = None, **attributes: int
    ) -> Any:
        """Put a toxic on the proxy `a`; its body."""
        body = {"type": kind, "stream": stream, "attributes": attributes}
        answer = await self.post("proxies/a/toxics", body | ({"name": name} if name else {}))
        assert answer.status == 200, answer.text
        return answer.json


def listening(proxy: Any) -> Endpoint:
    """Where a proxy listens."""
    host, _, port = proxy["listen"].rpartition(":")
    return Endpoint(host, int(port))


class Peer(asyncio.Protocol):
    """One end of a TCP connection: what came when, and how it ended."""

    def __init__(self, accepted: asyncio.Queue[Peer] | None = None, *, echo: bool = False) -> None:
        self.data = bytearray()
        self.times: list[float] = []  # of each chunk
        self.pieces: list[int] = []  # the sizes of the chunks
        self.error: Exception | None = None
        self.ended_at: float | None = None
        self._accepted = accepted
        self._echo = echo
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._accepted:
            self._accepted.put_nowait(self)

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.times.append(self._loop.time())
        self.pieces.append(len(data))
        if self._echo:
            self.transport.write(data)
        self._changed.set()

    def eof_received(self) -> bool:
        self._end()
        return True  # ours to close

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self._end()

    def _end(self) -> None:
        if self.ended_at is None:
            self.ended_at = self._loop.time()
        self._changed.set()

    def send(self, data: bytes) -> None:
        """Write."""
        self.transport.write(data)

    async def stuffed(self) -> None:
        """Wait until every buffer on the way is full: of what is unsent nothing goes any more."""
        unsent = -1
        while (left := self.transport.get_write_buffer_size()) != unsent:
            unsent = left
            await asyncio.sleep(0.05)  # noqa: TID251 - the absence of something takes time

    def arrivals(self, size: int) -> list[float]:
        """When each message of that many bytes was there, however reads cut the stream."""
        found: list[float] = []
        total = 0
        for at, piece in zip(self.times, self.pieces, strict=True):
            total += piece
            found += [at] * (total // size - len(found))
        return found

    async def _until(self, condition: Any, within_s: float) -> None:
        async with asyncio.timeout(within_s):  # noqa: TID251 - the machine's own patience
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def receive(self, count: int, within_s: float = PATIENCE_S) -> bytes:
        """Wait for so many bytes in all; what there is then."""
        await self._until(lambda: len(self.data) >= count, within_s)
        return bytes(self.data)

    async def end(self, within_s: float = PATIENCE_S) -> float:
        """Wait for FIN or RST; when it came."""
        await self._until(lambda: self.ended_at is not None, within_s)
        assert self.ended_at is not None
        return self.ended_at

    async def quiet(self, for_s: float = 0.1) -> bool:
        """Whether nothing comes for a while."""
        before = len(self.data), self.ended_at
        await asyncio.sleep(for_s)  # noqa: TID251 - the absence of something takes time
        return (len(self.data), self.ended_at) == before


class Ends:
    """Both sides of links: a server that accepts peers, and clients that dial."""

    def __init__(self) -> None:
        self._peers: list[Peer] = []
        self._listeners: list[Acceptor] = []
        self._arriving: list[asyncio.Task[object]] = []

    async def upstream(self, *, echo: bool = False) -> Upstream:
        """A server to put behind a proxy."""
        accepted: asyncio.Queue[Peer] = asyncio.Queue()

        def peer() -> Peer:
            self._peers.append(Peer(accepted, echo=echo))
            return self._peers[-1]

        def arrive(sock: socket.socket) -> None:
            # A task for each: a connection that comes as the test ends has a peer to close, too.
            self._arriving.append(asyncio.create_task(loop.connect_accepted_socket(peer, sock)))

        loop = asyncio.get_running_loop()
        listening = socket.create_server(("127.90.10.2", 0), backlog=512)
        self._listeners.append(Acceptor(listening, arrive))
        return Upstream(Endpoint(*listening.getsockname()), accepted)

    async def dial(self, endpoint: Endpoint) -> Peer:
        """A connected client."""
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_connection(Peer, endpoint.host, endpoint.port)
        self._peers.append(peer)
        return peer

    async def close(self) -> None:
        """Close everything."""
        for listener in self._listeners:
            listener.close()
        await asyncio.gather(*self._arriving)
        for peer in self._peers:
            peer.transport.abort()
        await asyncio.sleep(0)  # noqa: TID251 - let the transports close


@dataclass(frozen=True)
class Upstream:
    """A server, and the peers it has accepted."""

    endpoint: Endpoint
    accepted: asyncio.Queue[Peer]

    async def peer(self) -> Peer:
        """The next accepted connection."""
        async with asyncio.timeout(PATIENCE_S):  # noqa: TID251 - the machine's own patience
            return await self.accepted.get()


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Peers that are closed at the end."""
    ends = Ends()
    yield ends
    await ends.close()


async def refused(endpoint: Endpoint) -> bool:
    """Whether nobody listens there."""
    try:
        _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
