"""Entries of a small world, and programs that use them."""

from __future__ import annotations

import asyncio

import pytest

from sim.entry.entry import Entries
from sim.observe.events import PartFailed
from sim.rng import Rng
from tests.clients.conftest import small_topology, small_world

__all__ = ["small_topology", "small_world"]


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
    world = await small_world()
    entries = Entries()
    entries.start(world.setting(), Rng(7, "entries"))
    program = Program(world, entries)
    yield program
    program.leave()
    await entries.stop()
    assert not world.events(PartFailed)
