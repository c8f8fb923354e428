"""TLS from a client's place: to a real edge, trusting the world's authority and nobody else."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from sim.authority import CertificateAuthority
from sim.clients.vantage import Vantage
from sim.observe.events import Acked, Connected, ConnectFailed, TlsHandshakeFailed
from sim.rng import Rng
from sim.topology.addresses import PUBLIC_PORT
from tests.slot import address


async def get(vantage, scheme):
    async with (
        vantage.open(aiohttp.CookieJar()) as http,
        http.get(vantage.url("/x", scheme)) as response,
    ):
        return await response.text()


@pytest.mark.parametrize("personality", ["strict", "happy_eyeballs"])
async def test_the_edge_ends_tls_and_tells_the_machine(small_world, personality, monkeypatch):
    world = await small_world()
    vantage = Vantage("london", 3, personality, world.context(), Rng(1))

    async def both(_host):
        return tuple(world.plan.link("london", region).host for region in ("fra", "iad"))

    monkeypatch.setattr(vantage, "resolve", both)
    assert await get(vantage, "https") == "hello from fra"
    (request,) = world.gateways["fra"].requests
    assert request.headers["X-Forwarded-Proto"] == "https"
    assert request.headers["Fly-Client-IP"] == vantage.source
    assert request.headers["Fly-Forwarded-Port"] == "8480"


async def test_another_worlds_authority_is_not_trusted(small_world):
    world = await small_world()
    vantage = Vantage("london", 3, "strict", world.context(), Rng(1))
    vantage.authority = CertificateAuthority(world.topology.hostname)
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await get(vantage, "https")
    (failure,) = await world.seen(TlsHandshakeFailed, 1)
    assert (failure.region, failure.location, failure.client) == ("fra", "london", vantage.source)


async def test_an_edge_that_hangs_up_is_a_client_error(small_world, monkeypatch):
    world = await small_world()
    vantage = Vantage("london", 3, "strict", world.context(), Rng(1))
    nowhere = address("2.199")

    async def resolve(_host):
        return (nowhere,)

    async def hang_up(_reader, writer):
        writer.close()

    monkeypatch.setattr(vantage, "resolve", resolve)
    async with await asyncio.start_server(hang_up, nowhere, PUBLIC_PORT):
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(vantage, "https")


async def test_a_connection_that_is_given_up_right_after_its_handshake_keeps_its_descriptor(
    small_world, monkeypatch
):
    world = await small_world()
    vantage = Vantage("london", 3, "strict", world.context(), Rng(1))
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def given_up(*arguments, **options):
        transport, protocol = await connect(*arguments, **options)
        if "ssl" not in options:
            return transport, protocol
        transport.close()  # which says TLS's farewell first, as create_connection itself does
        raise asyncio.CancelledError

    monkeypatch.setattr(loop, "create_connection", given_up)
    with pytest.raises(asyncio.CancelledError):
        await get(vantage, "https")
    with socket.create_server((address("2.199"), 0)) as listener:
        for _ in range(5):  # the first gets the number of a descriptor that is free
            with socket.socket() as sock:
                sock.settimeout(0)
                await loop.sock_connect(sock, listener.getsockname())


@pytest.mark.parametrize("driver", ["http", "echo", "session"])
async def test_where_https_is_forced_the_load_speaks_it(small_world, driver):
    world = await small_world(force_https=True)
    await world.load(driver=driver, clients=1, every_s=0.5).run(3.0)
    assert world.events(Connected)
    assert world.events(Acked)
    assert not world.events(ConnectFailed)
    assert not world.events(TlsHandshakeFailed)
