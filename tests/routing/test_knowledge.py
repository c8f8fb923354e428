"""What an edge believes, and since when."""

from __future__ import annotations

import asyncio

from sim.clock import Clock
from sim.routing.knowledge import Belief
from sim.routing.machine_choice import MachineView
from sim.topology.addresses import Endpoint


def machine(name: str, region: str, *, healthy: bool = True) -> MachineView:
    return MachineView(name, Endpoint("127.0.0.1", 1), healthy, region)


class Scene:
    def __init__(self) -> None:
        self.truth = [machine("a", "iad"), machine("b", "fra")]
        self.cut: set[str] = set()
        self.heard = 0
        self.belief = Belief(
            lambda: self.truth, lambda region: region not in self.cut, 5.0, Clock(), self._hear
        )

    def _hear(self) -> None:
        self.heard += 1

    def change(self, *truth: MachineView) -> None:
        self.truth = list(truth)
        self.belief.changed()

    def seen(self) -> dict[str, bool]:
        return {view.id: view.healthy for view in self.belief.views()}


def test_what_changes_is_believed_after_the_delay_and_not_before(virtually):
    async def scene():
        it = Scene()
        it.change(*it.truth)  # as the world comes up
        assert it.seen() == {"a": True, "b": True}
        it.change(machine("a", "iad", healthy=False), machine("b", "fra"), machine("c", "fra"))
        heard = it.heard
        await asyncio.sleep(4.9)  # noqa: TID251 - in virtual time
        assert it.seen() == {"a": True, "b": True}
        await asyncio.sleep(0.1)  # noqa: TID251 - as above
        assert it.seen() == {"a": False, "b": True, "c": True}
        assert it.heard == heard + 2  # each region tells its own: whoever waits looks again

    virtually(scene())


def test_what_is_believed_and_no_longer_so_is_marked(virtually):
    async def scene():
        it = Scene()
        it.change(*it.truth)
        it.change(machine("a", "iad"), machine("b", "fra", healthy=False), machine("c", "fra"))
        assert {view.id: view.outdated for view in it.belief.views()} == {"a": False, "b": True}
        await asyncio.sleep(5)  # noqa: TID251 - in virtual time
        assert not any(view.outdated for view in it.belief.views())

    virtually(scene())


def test_an_edge_that_is_cut_off_believes_what_it_heard_last(virtually):
    async def scene():
        it = Scene()
        it.change(*it.truth)
        it.seen()
        it.cut.add("fra")
        it.change(machine("a", "iad", healthy=False))  # and b is gone
        await asyncio.sleep(60)  # noqa: TID251 - in virtual time
        assert it.seen() == {"a": False, "b": True}
        it.cut.clear()
        assert it.seen() == {"a": False}

    virtually(scene())
