"""The audit gives a gateway a moment to store what it has acknowledged, and no more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sim.clock import Clock
from sim.observe.events import Acked, Audited, Sent, Stored
from sim.observe.journal import Record
from sim.scenario.audit import audit_drivers

SAID = [
    Record(0.0, Sent("london/0", "s", 1)),
    Record(0.1, Acked("london/0", "s", 1, "fra", "m1", 9.0)),
]


class LateDriver:
    """One whose gateway has stored everything when it is asked for the n-th time."""

    def __init__(self, times):
        self.times = times
        self.asked = 0

    async def run(self, client):
        raise NotImplementedError

    async def stored(self, _session):
        self.asked += 1
        return [1] if self.asked >= self.times else []


@pytest.fixture
def world():
    machine = SimpleNamespace(id="m1", condition="started", endpoint="127.0.0.1:1")
    written: list[Any] = []
    return SimpleNamespace(
        topology=SimpleNamespace(hostname="x.fly.dev"),
        fleet=SimpleNamespace(machines={"m1": machine}),
        journal=SimpleNamespace(write=written.append, written=written),
        clock=None,  # made in the loop
        database_url=lambda: None,
    )


@pytest.mark.parametrize(("times", "stored"), [(1, 1), (3, 1), (10**9, 0)])
def test_what_is_stored_a_moment_later_counts(virtually, world, times, stored):
    async def scenario():
        world.clock = Clock()
        driver = LateDriver(times)
        await audit_drivers(world, {"london/0": driver}, SAID)
        found = [event for event in world.journal.written if isinstance(event, Stored)]
        assert len(found) == stored
        assert isinstance(world.journal.written[-1], Audited)
        assert world.clock.now() <= 1.2

    virtually(scenario())
