"""Group commit in virtual time, with a connection that is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

import pytest

from sim.clock import Clock
from sim.gateway.batches import Batches

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]

ROUND_TRIP_S = 0.09


class FakeConnection:
    def __init__(self) -> None:
        self.terminated = False

    async def execute(self, _: str) -> None:
        pass

    async def prepare(self, _: str) -> object:
        return self

    def terminate(self) -> None:
        self.terminated = True


class Bench:
    """Batches over connections that take a round trip for each batch, and fail when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, linger_s: float = 0.0) -> None:
        self.clock = Clock()
        self.batches: Batches[int] = Batches("", "", "", self._work, self.clock, linger_s)
        self.connections: list[FakeConnection] = []
        self.attempts: list[float] = []
        self.done: list[list[int]] = []
        self.connect_fails = 0
        self.work_fails = 0
        monkeypatch.setattr(self.batches, "_connect", self._connect)

    async def _connect(self) -> FakeConnection:
        self.attempts.append(self.clock.now())
        if self.connect_fails:
            self.connect_fails -= 1
            raise OSError("refused")
        self.connections.append(FakeConnection())
        return self.connections[-1]

    async def _work(self, _: object, items: Sequence[int]) -> None:
        if not items:
            return  # the one that only ends what preparing began
        await self.clock.sleep(ROUND_TRIP_S)
        if self.work_fails:
            self.work_fails -= 1
            raise OSError("connection lost")
        self.done.append(list(items))

    @property
    def items(self) -> list[int]:
        return [item for batch in self.done for item in batch]


def test_what_arrives_during_a_round_trip_shares_the_next(
    virtually: Virtually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        bench = Bench(monkeypatch)
        bench.batches.start()
        for item in range(100):
            bench.batches.put(item)
            await bench.clock.sleep(0.01)
        await bench.batches.idle()
        assert bench.items == list(range(100))
        assert len(bench.done) <= 13
        assert bench.clock.now() <= 1.0 + 2 * ROUND_TRIP_S
        await bench.batches.stop()
        assert bench.connections[0].terminated

    virtually(scene())


def test_a_batch_is_tried_again_until_it_is_done(
    virtually: Virtually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        bench = Bench(monkeypatch)
        bench.work_fails = 3
        bench.batches.start()
        bench.batches.put(1)
        bench.batches.put(2)
        await bench.batches.idle()
        assert bench.done == [[1, 2]]
        assert len(bench.connections) == 4
        assert all(connection.terminated for connection in bench.connections[:3])
        await bench.batches.stop()

    virtually(scene())


def test_retries_come_ever_later_but_not_later_than_two_seconds(
    virtually: Virtually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        bench = Bench(monkeypatch)
        bench.connect_fails = 8
        bench.batches.start()
        bench.batches.put(1)
        await bench.batches.idle()
        times = bench.attempts
        waits = [b - a for a, b in pairwise(times)]
        assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0])
        bench.work_fails = 1
        bench.batches.put(2)
        await bench.batches.idle()
        assert times[-1] - times[-2] < 1.0  # it worked in between: the waits begin anew
        await bench.batches.stop()

    virtually(scene())


def test_it_lingers_before_a_batch(virtually: Virtually, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        bench = Bench(monkeypatch, linger_s=0.25)
        bench.batches.start()
        bench.batches.put(1)
        await bench.clock.sleep(0.2)
        bench.batches.put(2)
        await bench.clock.sleep(0.1)
        assert bench.done == []
        await bench.batches.idle()
        assert bench.done == [[1, 2]]
        await bench.batches.stop()

    virtually(scene())


def test_stopping_drops_what_waits_and_leaves_no_task(
    virtually: Virtually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        bench = Bench(monkeypatch)
        bench.batches.start()
        bench.batches.put(1)
        await bench.clock.sleep(0.01)
        await bench.batches.stop()
        await bench.batches.stop()
        assert bench.done == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtually(scene())
