"""What a run's journal proves, computed once and asked by every check and report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from sim.clients.declaration import Declaration
from sim.observe.client_names import location_of
from sim.observe.deaths import Death, find_deaths
from sim.observe.deploys import DeployRun, find_deploys
from sim.observe.disconnects import End, find_ends
from sim.observe.events import Acked
from sim.observe.gap_rule import GapRule
from sim.observe.history import History, Timed
from sim.observe.ledger import MessageLedger, balance
from sim.observe.numbering import told
from sim.observe.outages import Outage, find_gaps
from sim.observe.sample import Sample
from sim.observe.stops import Stop, find_stops
from sim.observe.tails import Tail, find_tails
from sim.scenario.model import Scenario
from sim.topology.model import Topology


class Evidence:
    """A finished run: its history, what it ran, and what follows from both."""

    def __init__(self, history: History, scenario: Scenario) -> None:
        self.history = history
        self.scenario = scenario

    @property
    def topology(self) -> Topology:
        """The topology that was run."""
        return self.scenario.topology

    @cached_property
    def gap_rule(self) -> GapRule:
        """What is an ordinary gap between a client's answers in this run."""
        load = self.scenario.load
        asked = GapRule.of(self.topology, load.every_s, self.history.speed, load.timeout_s)
        return asked.as_seen_in(self.history)

    @cached_property
    def outages(self) -> Sequence[Outage]:
        """Every client's outages."""
        return [gap for gap in self.gaps if not gap.excused]

    @cached_property
    def gaps(self) -> Sequence[Outage]:
        """Every client's outages, and the gaps that are the host's."""
        return find_gaps(self.history, self.gap_rule)

    @cached_property
    def tails(self) -> Sequence[Tail]:
        """Who stayed on a region that DNS had left."""
        return find_tails(self.history)

    @cached_property
    def ledger(self) -> MessageLedger:
        """Every message's life."""
        return balance(self.history)

    @property
    def driver_mistakes(self) -> list[str]:
        """Why nothing that rests on acknowledgements is proven, where the driver misnumbers."""
        return [told(self.ledger.mistakes)] if self.ledger.mistakes else []

    @property
    def acks_by_order(self) -> bool:
        """Whether the driver tells only by their order which message an answer is about."""
        driver = self.scenario.load.driver
        return isinstance(driver, Declaration) and driver.acks_by_order

    @cached_property
    def deploys(self) -> Sequence[DeployRun]:
        """What was deployed, and what that cost."""
        return find_deploys(self.history)

    @cached_property
    def stops(self) -> Sequence[Stop]:
        """How machines took the signal that stopped them."""
        return find_stops(self.history, self.deploys)

    @cached_property
    def ends(self) -> Sequence[End]:
        """The connections that ended before the load did, and who ended them."""
        return find_ends(self.history, self.deploys)

    @cached_property
    def deaths(self) -> Sequence[Death]:
        """The machines that died by themselves."""
        return find_deaths(self.history, self.topology)

    def answers(
        self, locations: Collection[str], from_s: float, until_s: float
    ) -> Iterator[Timed[Acked]]:
        """What clients of these locations were acknowledged or answered in [from_s, until_s)."""
        clients = {client for place in locations for client in self.history.clients_of(place)}
        for t, acked in self.history.of(Acked):
            if from_s <= t < until_s and acked.client in clients:
                yield t, acked

    @property
    def traffic(self) -> Mapping[str, Counter[str]]:
        """Answers by location and the region that gave them."""
        return {
            location: Counter({region: len(sample) for region, sample in regions.items()})
            for location, regions in self.latencies_ms.items()
        }

    @cached_property
    def errors(self) -> Mapping[str, Counter[str]]:
        """Refused connections and messages by location and the region tried ("" for none)."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for _, refusal in self.history.refusals:
            found[refusal.location][refusal.region or ""] += 1
        return found

    @cached_property
    def latencies_ms(self) -> Mapping[str, Mapping[str, Sample]]:
        """Milliseconds from sending to answer, by location and region."""
        found: dict[str, dict[str, Sample]] = defaultdict(lambda: defaultdict(Sample))
        for _, acked in self.history.of(Acked):
            found[location_of(acked.client)][acked.region].add(acked.latency_ms)
        return {location: dict(regions) for location, regions in found.items()}
