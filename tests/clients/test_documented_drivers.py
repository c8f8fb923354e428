"""The drivers that the documentation shows, word by word as they stand there, against a gateway."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import re
import textwrap
from pathlib import Path

import pytest

from sim.clients import driver
from sim.observe.events import Acked, Disconnected, Sent
from sim.observe.ledger import Anomaly
from tests.clients.test_rooms import cut_off

ROOT = Path(__file__).parents[2]
MODULES = itertools.count()


def blocks(text):
    """The Python that a Markdown page shows, and what follows `::` in a docstring."""
    fenced = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return fenced + re.findall(r"::\n\n((?: {4}.*\n|\n)+)", text)


def shown(text, name):
    """The one class of that name that a text shows."""
    (found,) = [textwrap.dedent(body) for body in blocks(text) if f"class {name}:" in body]
    return found


@pytest.fixture
def driver_of(tmp_path, monkeypatch):
    """Writes a driver's source into a module, and gives its name for a scenario."""

    def driver_of(source, name):
        module = f"documented_{next(MODULES)}"
        (tmp_path / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        return f"{module}:{name}"

    return driver_of


@pytest.mark.parametrize("forgets", [False, True])
async def test_the_pages_driver_finds_what_is_lost_and_nothing_else(
    small_world, driver_of, forgets
):
    source = shown((ROOT / "docs" / "drivers.md").read_text(), "Rooms")
    world = await small_world()
    ledger = await cut_off(world, driver_of(source, "Rooms"), forgets=forgets)
    assert not ledger.mistakes
    lost: list[Anomaly] = list(ledger.anomalies)
    assert {(anomaly.kind, anomaly.session) for anomaly in lost} <= {("lost", "room of new-york/0")}
    assert [anomaly.seq for anomaly in lost][:3] == ([1, 2, 3] if forgets else [])


@pytest.mark.parametrize(
    "text",
    [(ROOT / "README.md").read_text(), inspect.getdoc(driver) or ""],
    ids=["README", "sim.clients.driver"],
)
async def test_the_shortest_drivers_are_served(small_world, driver_of, text):
    world = await small_world()
    name = driver_of(shown(text, "Greeter"), "Greeter")
    load = world.load(driver=name, clients=2, every_s=0.5, timeout_s=30.0)
    running = asyncio.create_task(load.run(8.0))
    await world.seen(Acked, 4)
    world.gateways["iad"].drop()
    await running
    assert world.events(Disconnected)
    numbers = [sent.seq for sent in world.events(Sent) if sent.client == "new-york/0"]
    assert numbers == list(range(1, len(numbers) + 1))
