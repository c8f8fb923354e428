"""The page's band of what the host kept waiting."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sim.observe.events import HostStalled, ProcessorWaits
from sim.observe.noise import OURS_STILL, Noise
from sim.report.html.bands import noise


def told(*events, end=20.0):
    history: Any = SimpleNamespace(noise=Noise(1.0, events), end=end)
    return noise(history)


def test_a_quiet_host_has_none():
    assert told() == []
    assert told((10.0, ProcessorWaits(100.0, {"fra/1": 3.0}))) == []


def test_what_waited_most_is_named_for_as_long_as_it_did():
    waits = [(t / 10, ProcessorWaits(100.0, {"fra/1": 60.0, "iad/1": 5.0})) for t in range(51, 71)]
    ((start, until, part, waited_s),) = told(*waits)
    assert (start, until, part) == (5.0, 7.0, "fra/1")
    assert 1.1 <= waited_s <= 1.3


def test_another_part_is_another_span():
    waits = [(t / 10, ProcessorWaits(100.0, {"fra/1": 60.0})) for t in range(51, 61)]
    spans = told(*waits, (8.0, HostStalled(1000.0)))
    assert [(start, until, part) for start, until, part, _ in spans] == [
        (5.0, 6.0, "fra/1"),
        (7.0, 8.0, OURS_STILL),
    ]
