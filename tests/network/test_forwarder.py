"""A listener that carries every connection on to another address."""

from __future__ import annotations

import asyncio

import pytest

from sim.streams.forwarder import TcpForwarder
from sim.topology.addresses import Endpoint
from tests.network.conftest import connected
from tests.network.test_links import free_endpoint


async def test_it_carries_both_ways_and_says_first_what_it_is_told_to(upstream: Endpoint) -> None:
    here = free_endpoint("127.90.31.1")
    forwarder = TcpForwarder(here, upstream, lambda near: f"{near.getpeername()[0]} ".encode())
    await forwarder.open()
    async with connected(here) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(15) == b"127.0.0.1 hello"
        forwarder.close()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(here.host, here.port)


async def test_where_nobody_listens_beyond_the_connection_ends_at_once() -> None:
    here = free_endpoint("127.90.31.1")
    forwarder = TcpForwarder(here, free_endpoint("127.90.31.2"))
    await forwarder.open()
    async with connected(here) as (reader, _):
        assert await reader.read() == b""
    forwarder.close()
