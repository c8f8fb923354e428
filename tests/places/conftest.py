"""Entries of a small world, and programs that use them."""

from __future__ import annotations

import asyncio

import pytest

from sim.observe.events import PartFailed
from sim.places.entry import Entries
from sim.places.running import Spot
from sim.rng import Rng
from tests.clients.conftest import small_topology, small_world

__all__ = ["small_topology", "small_world"]

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nworld\n-----END CERTIFICATE-----\n"


class Program:
    """Something that speaks to London's entry byte by byte."""

    def __init__(self, world, entries):
        self.world = world
        self.entries = entries
        self._writers = []

    async def knock(self, location="london"):
        endpoint = self.world.plan.entry(location)
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        self._writers.append(writer)
        return reader, writer

    async def says(self, *said, location="london"):
        """What the entry answers to that, until it ends."""
        reader, writer = await self.knock(location)
        for part in said:
            writer.write(part)
        return await self.within(reader.read())

    async def within(self, awaitable, real_s=10.0):
        async with self.world.clock.timeout(real_s * self.world.clock.speed):
            return await awaitable

    def leave(self):
        for writer in self._writers:
            if not writer.is_closing():
                writer.transport.abort()


@pytest.fixture
async def program(small_world):
    """A program, in a small world whose entries are open."""
    world = await small_world(speed=1.0)
    entries = Entries()
    entries.start(world.context(), Rng(7, "entries"))
    program = Program(world, entries)
    yield program
    program.leave()
    await entries.stop()
    assert not world.events(PartFailed)


@pytest.fixture
def spot(tmp_path):
    """London, as a world says it is."""
    folder = tmp_path / "world"
    folder.mkdir()
    return Spot("london", "127.44.2.53:53", "127.44.2.54:8490", CERTIFICATE, folder)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A PATH with nothing in it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, script="exit 0"):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return str(program)

    return put
