"""A link that is cut is silent for TCP too: what programs' transport timers see of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from sim.clock import Clock
from sim.errors import InputError
from sim.network.link_spec import ToxicSpec
from sim.network.links import Link, Links, LinkSpec
from sim.network.toxiproxy_api import LinkServerClient
from sim.observe.journal import Journal
from sim.streams import silence
from sim.streams.accept import Acceptor
from sim.streams.connecting import connect
from sim.streams.forwarder import TcpForwarder
from sim.topology.addresses import Endpoint

Serving = Callable[..., AbstractAsyncContextManager[Endpoint]]
filters = pytest.mark.skipif(not silence.has_filters(), reason="needs CAP_NET_ADMIN")


@pytest.fixture(params=[pytest.param("filter", marks=filters), "queue"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways: with the right to filter sockets, and without."""
    if request.param == "queue":
        for module in ("streams.accept", "streams.forwarder", "network.embedded.pipe"):
            monkeypatch.setattr(f"sim.{module}.deafen", lambda _: False)
    return str(request.param)


@pytest.fixture
async def link(
    client: LinkServerClient, clock: Clock, upstream: Endpoint
) -> AsyncIterator[Callable[[Endpoint], Coroutine[Any, Any, Link]]]:
    """Opens a link to somewhere: the echo server, unless said otherwise."""
    links = Links(client, clock, Journal(clock))

    async def open_to(there: Endpoint = upstream) -> Link:
        with socket.socket() as sock:
            sock.bind(("127.90.1.100", 0))
            here = Endpoint(*sock.getsockname())
        return await links.open(LinkSpec("london", "fra", here, there, 20.0, probe=b"ping"))

    yield open_to
    await links.close()


@contextlib.asynccontextmanager
async def dialled(link: Link, *options: tuple[int, int]) -> AsyncIterator[socket.socket]:
    """A connection through a link, with these options of TCP."""
    with socket.socket() as sock:
        sock.settimeout(0)
        for option, value in options:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        await asyncio.get_running_loop().sock_connect(sock, tuple(vars(link.spec.listen).values()))
        yield sock


async def ends_with(sock: socket.socket) -> int | None:
    """The errno with which reading from it fails."""
    with pytest.raises(OSError) as failure:  # noqa: PT011 - its number is what is looked at
        await asyncio.get_running_loop().sock_recv(sock, 1)
    return failure.value.errno


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("towards", [None, "source", "target"])
async def test_connecting_through_a_cut_link_times_out_and_works_again(link, clock, towards):
    there = await link()
    await there.partition(towards=towards)
    with pytest.raises(TimeoutError):
        async with clock.timeout(0.5), dialled(there):
            pass
    await there.heal()
    async with clock.timeout(5), dialled(there) as sock:
        await asyncio.get_running_loop().sock_sendall(sock, b"ping")
        assert await asyncio.get_running_loop().sock_recv(sock, 4) == b"ping"


@pytest.mark.usefixtures("way")
async def test_attempts_given_up_while_it_was_cut_never_reach_the_far_end(link, serving, clock):
    """Their SYN has not arrived, and healing does not deliver them."""
    met: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(await reader.read(100))
        writer.write(b"x")

    async with serving(listen) as upstream:
        there = await link(upstream)
        met.clear()
        await there.partition()
        for _ in range(3):
            with contextlib.suppress(TimeoutError):
                async with clock.timeout(0.05), dialled(there):
                    pass
        await there.heal()
        async with dialled(there) as sock:
            await asyncio.get_running_loop().sock_sendall(sock, b"after")
            await asyncio.get_running_loop().sock_recv(sock, 1)
    assert [data for data in met if data != b"ping"] == [b"after"]


async def test_another_way_in_is_as_silent_as_the_link(link, clock, way):
    """Such as the one that containers have, who cannot reach the link's own listener."""
    there = await link()
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.bind(("127.90.1.101", 0))
        here = Endpoint(*sock.getsockname())
    door = TcpForwarder(here, there.spec.listen)
    await door.open()
    there.attach(door)
    with socket.socket() as stands, socket.socket() as late:
        stands.settimeout(0)
        late.settimeout(0)
        stands.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)
        await loop.sock_connect(stands, tuple(vars(here).values()))
        await loop.sock_sendall(stands, b"x")
        await loop.sock_recv(stands, 1)
        await there.partition()
        await loop.sock_sendall(stands, b"lost")
        with pytest.raises(TimeoutError):
            async with clock.timeout(0.3):
                await loop.sock_connect(late, tuple(vars(here).values()))
        if way == "filter":
            async with clock.timeout(10):
                assert await ends_with(stands) == errno.ETIMEDOUT
        await there.heal()
    door.close()


@pytest.mark.usefixtures("way")
async def test_who_connects_while_it_is_cut_gets_through_after_the_heal(link, clock):
    """TCP sends its SYN again, on the world's clock, where the simulator itself connects."""
    there = await link()
    await there.partition()
    host, port = vars(there.spec.listen).values()

    def attempt() -> socket.socket:
        return socket.socket()

    connecting = asyncio.create_task(connect(attempt, (host, port), Clock(speed=10)))
    done, _ = await asyncio.wait([connecting], timeout=0.3)
    assert not done
    await there.heal()
    async with clock.timeout(0.9):  # a kernel alone sends its first SYN again after 1 s
        with await connecting as sock:
            assert sock.getpeername() == (host, port)


async def test_between_one_way_of_being_cut_and_another_nobody_is_answered(link, monkeypatch):
    there = await link()
    await there.partition()
    answered = []
    monkeypatch.setattr(Acceptor, "be_silent", lambda _, *, wanted: answered.append(not wanted))
    await there.partition(towards="source")
    await there.partition(towards="target")
    await there.partition("unanswered")
    await there.partition()
    assert answered
    assert not any(answered)
    monkeypatch.undo()


async def test_nobody_answers_for_ever_is_the_timeout_of_tcp():
    with socket.socket() as mute:
        mute.bind(("127.90.1.99", 0))
        mute.listen(1)
        queue = silence.FullQueue(mute)
        with pytest.raises(TimeoutError) as failure:
            await connect(socket.socket, mute.getsockname(), Clock(speed=1000))
        queue.close()
    assert failure.value.errno == errno.ETIMEDOUT


@filters
@pytest.mark.realtime
async def test_timers_of_tcp_fire_at_both_ends_of_a_cut_link(link, serving, clock):
    """TCP_USER_TIMEOUT where something was sent, keepalives where nothing was."""
    ends: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(4)
        if first == b"ping":
            writer.write(b"x")
            return
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000)
        writer.write(b"hello")
        await reader.readexactly(2)
        cut.set()
        await healed_or_not.wait()
        writer.write(b"nobody acknowledges this")
        try:
            await reader.read(1)
        except OSError as error:
            ends.set_result(error.errno)

    cut, healed_or_not = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    keepalive = [(socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1)]
    async with serving(patient) as upstream:
        there = await link(upstream)
        async with dialled(there, *keepalive) as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await loop.sock_sendall(idle, b"helo")
            await loop.sock_recv(idle, 5)
            await loop.sock_sendall(idle, b"go")
            await cut.wait()
            await there.partition()
            healed_or_not.set()
            begun = clock.now()
            async with clock.timeout(10):
                assert await ends == errno.ETIMEDOUT
                assert 1.0 <= clock.now() - begun <= 4.0
                assert await ends_with(idle) == errno.ETIMEDOUT
                assert 1.5 <= clock.now() - begun <= 6.0


@filters
async def test_keepalives_fire_through_a_cut_on_a_half_closed_connection(link, serving, clock):
    """Its one direction has ended, and is as silent as the other."""
    loop = asyncio.get_running_loop()

    async def answers_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(4) == b"ping":
            writer.write(b"x")
            return
        await reader.read()
        half_closed.set()
        await clock.sleep(3600)

    half_closed = asyncio.Event()
    keepalive = [(socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1)]
    async with serving(answers_later) as upstream:
        there = await link(upstream)
        async with dialled(there, *keepalive) as waiting:
            waiting.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await loop.sock_sendall(waiting, b"helo")
            waiting.shutdown(socket.SHUT_WR)
            await half_closed.wait()
            await there.partition()
            async with clock.timeout(10):
                assert await ends_with(waiting) == errno.ETIMEDOUT


@filters
async def test_what_is_sent_towards_a_cut_is_not_acknowledged(link, clock):
    there = await link()
    async with dialled(there, (socket.TCP_USER_TIMEOUT, 500)) as sock:
        await there.partition(towards="target")
        await asyncio.get_running_loop().sock_sendall(sock, b"lost")
        async with clock.timeout(10):
            assert await ends_with(sock) == errno.ETIMEDOUT


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.thorough)])
async def test_not_a_byte_is_lost_doubled_or_reordered_by_silence(link, clock, count):
    """Connections that send all the time, through three silences and heals."""
    there = await link()
    loop = asyncio.get_running_loop()
    sent = b"".join(number.to_bytes(4, "big") for number in range(20_000))

    async def echoed(sock: socket.socket) -> bytes:
        heard = b""
        while len(heard) < len(sent):
            heard += await loop.sock_recv(sock, 65536)
        return heard

    async with contextlib.AsyncExitStack() as stack:
        socks = [await stack.enter_async_context(dialled(there)) for _ in range(count)]
        writing = [asyncio.create_task(loop.sock_sendall(sock, sent)) for sock in socks]
        reading = [asyncio.create_task(echoed(sock)) for sock in socks]
        for towards in (None, "source", "target"):
            await there.partition(towards=towards)
            await clock.sleep(0.05)
            await there.heal()
        async with clock.timeout(60):
            await asyncio.gather(*writing)
            assert all(heard == sent for heard in await asyncio.gather(*reading))


async def test_unanswered_keeps_new_ones_out_and_lets_what_stands_go_on(link, clock):
    there = await link()
    loop = asyncio.get_running_loop()
    async with dialled(there) as stands:
        await there.partition("unanswered")
        assert there.state == "unanswered"
        await loop.sock_sendall(stands, b"on")
        assert await loop.sock_recv(stands, 2) == b"on"
        with pytest.raises(TimeoutError):
            async with clock.timeout(0.5), dialled(there):
                pass
    await there.heal()
    async with clock.timeout(5), dialled(there):
        pass


async def test_half_open_is_silence_for_a_few_of_those_that_stand(link, clock):
    there = await link()
    loop = asyncio.get_running_loop()

    async def echoes(sock: socket.socket) -> bool:
        await loop.sock_sendall(sock, b"x")
        with contextlib.suppress(TimeoutError):
            async with clock.timeout(0.2):
                return bool(await loop.sock_recv(sock, 1))
        return False

    async with contextlib.AsyncExitStack() as stack:
        stand = [await stack.enter_async_context(dialled(there)) for _ in range(5)]
        assert all([await echoes(sock) for sock in stand])
        await there.half_open(2)
        silent = [sock for sock in stand if not await echoes(sock)]
        assert len(silent) == 2
        assert await echoes(await stack.enter_async_context(dialled(there)))
        await there.half_open(6)
        assert not any([await echoes(sock) for sock in stand if sock not in silent])
        await there.heal()
        async with clock.timeout(10):
            for sock in stand:
                assert await loop.sock_recv(sock, 1) == b"x"


async def test_half_open_is_the_same_connections_in_both_directions(link, client, clock):
    """Also where others have come between the one direction's toxic and the other's."""
    there = await link()
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(dialled(there))
        one = {"connections": 1}
        await client.put_toxic(there.name, ToxicSpec("half_open", "upstream", one, name="up"))
        later = [await stack.enter_async_context(dialled(there)) for _ in range(30)]
        for sock in later:
            await loop.sock_sendall(sock, b"x")
            await loop.sock_recv(sock, 1)
        await client.put_toxic(there.name, ToxicSpec("half_open", "downstream", one, name="down"))
        async with clock.timeout(5):
            for sock in later:
                await loop.sock_sendall(sock, b"x")
                assert await loop.sock_recv(sock, 1) == b"x"


@pytest.mark.realtime
async def test_a_connection_is_reset_once_it_is_too_old(link, clock):
    there = await link()
    loop = asyncio.get_running_loop()
    async with dialled(there) as old:
        await there.limit_age(0.5)
        begun = clock.now()
        assert await ends_with(old) == errno.ECONNRESET
        assert clock.now() - begun <= 2.0
    async with dialled(there) as new:
        begun = clock.now()
        await loop.sock_sendall(new, b"x")
        assert await loop.sock_recv(new, 1) == b"x"
        assert await ends_with(new) == errno.ECONNRESET
        assert 0.45 <= clock.now() - begun <= 3.0


async def test_a_half_closed_connection_is_reset_once_it_is_too_old(link, serving, clock):
    async def answers_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(4) == b"ping":
            writer.write(b"x")
            return
        await reader.read()
        half_closed.set()
        await clock.sleep(3600)

    half_closed = asyncio.Event()
    async with serving(answers_later) as upstream:
        there = await link(upstream)
        async with dialled(there) as waiting:
            await asyncio.get_running_loop().sock_sendall(waiting, b"helo")
            waiting.shutdown(socket.SHUT_WR)
            await half_closed.wait()
            await there.limit_age(0.5)
            async with clock.timeout(5):
                assert await ends_with(waiting) == errno.ECONNRESET


@pytest.mark.parametrize(
    "fault", ["half_open", "limit_age", "partition"], ids=lambda word: f"{word} on a stock server"
)
async def test_what_a_stock_server_cannot_do_is_said(link, fault):
    there = await link()
    there._context.embedded = False
    what = {"half_open": 1, "limit_age": 1.0, "partition": "unanswered"}[fault]
    with pytest.raises(InputError, match="needs the embedded link server"):
        await getattr(there, fault)(what)
    there._context.embedded = True
