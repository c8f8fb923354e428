"""What the journal of a world that was only brought up proves: loads come and go, unjudged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from sim.clients.load_spec import LoadSpec
from sim.observe.events import LoadEnded, LoadStarted
from sim.observe.excerpt import excerpt
from sim.observe.gap_rule import GapRule
from sim.observe.history import History
from sim.observe.journal import Record
from sim.observe.outages import Outage, find_gaps
from sim.scenario.evidence import Evidence
from sim.scenario.model import Scenario
from sim.topology.model import Topology


class Session(Evidence):
    """A live session. Times count from the world's start; nothing was expected of it."""

    def __init__(self, records: Sequence[Record], topology: Topology) -> None:
        history = History(records, whole=True)
        paces = [load.every_s for _, load in history.of(LoadStarted) if load.every_s]
        load = LoadSpec(every_s=paces[-1]) if paces else LoadSpec()
        super().__init__(history, Scenario(history.name, topology, load, (), history.end))
        self._records = records

    @cached_property
    def gaps(self) -> Sequence[Outage]:
        """Every client's outages and gaps, load by load: between two loads nobody asks."""
        return [outage for load in self._loads() for outage in self._outages_of(*load)]

    def _loads(self) -> Iterator[tuple[int, int]]:
        """The first record of each load, and what comes after its last, by index."""
        began: int | None = None
        for k, (_, event) in enumerate(self._records):
            if isinstance(event, LoadStarted):
                began = k
            elif isinstance(event, LoadEnded) and began is not None:
                yield began, k + 1
                began = None
        if began is not None:
            yield began, len(self._records)

    def _outages_of(self, began: int, end: int) -> Iterator[Outage]:
        t, started = self._records[began]
        assert isinstance(started, LoadStarted)  # noqa: S101 - a load begins with its start
        every_s = started.every_s or LoadSpec.every_s
        rule = GapRule.of(self.topology, every_s, self.history.speed, started.timeout_s)
        # Where DNS led before the load began is in its history too, as it is in a run's.
        history = History(excerpt(self._records, began, end=end))
        for outage in find_gaps(history, rule.as_seen_in(history)):
            yield replace(outage, from_s=outage.from_s + t, to_s=outage.to_s + t)
