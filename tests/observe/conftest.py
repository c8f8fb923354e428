"""Journals made by hand."""

from __future__ import annotations

import pytest

from sim.observe.events import LoadEnded, LoadStarted
from sim.observe.history import History
from sim.observe.journal import Record


@pytest.fixture
def history():
    """A history of (time, event) pairs, between the load's start at 0 and its end at 150 s."""

    def make(*pairs, end=150.0):
        records = [Record(0.0, LoadStarted(clients=1))]
        records += [Record(t, event) for t, event in sorted(pairs, key=lambda pair: pair[0])]
        return History([*records, Record(end, LoadEnded())])

    return make
