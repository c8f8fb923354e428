"""Which timeline is tried next: pure, of the seed and of what the tries so far taught.

Of a handful of plans that the grammar draws, the one that promises most: it strikes what carried
messages, in a way that was not tried, alone before in pairs. Runs that visited new states or came
close are varied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from sim.hunt.grammar import Grammar
from sim.hunt.learned import Lesson
from sim.hunt.strike import Plan, Strike
from sim.rng import Rng

_DRAWN = 16  # of which one is tried
_VARIED = 0.35  # of the tries, once there is what to vary
_PARENTS = 12
_NEW_STATE, _CLOSE = 1.0, 0.2
_MOST_CLOSE = 20


class Search:
    """Proposes plans, and learns from what they came to."""

    def __init__(self, grammar: Grammar, support: Mapping[str, int], rng: Rng) -> None:
        self._grammar = grammar
        self._support = support
        self._carried = max(support.values(), default=0) or 1
        self._rng = rng
        self._tried: Counter[object] = Counter()
        self._parents: list[tuple[float, Plan]] = []
        self.states: set[str] = set()
        self.proposed = 0

    def next(self) -> Plan:
        """The next plan to try."""
        rng = self._rng.fork(f"try {self.proposed}")
        self.proposed += 1
        drawn = [self._draw(rng) for _ in range(_DRAWN)]
        best = max(drawn, key=self._worth)
        self._tried.update(_traits(best))
        return best

    def learn(self, plan: Plan, lesson: Lesson) -> None:
        """Take in what a run of a plan taught."""
        new = len(lesson.states - self.states)
        self.states |= lesson.states
        worth = _NEW_STATE * new + _CLOSE * min(lesson.close, _MOST_CLOSE)
        if worth:
            self._parents = sorted(
                [*self._parents, (worth, plan)], key=lambda one: one[0], reverse=True
            )[:_PARENTS]

    def _draw(self, rng: Rng) -> Plan:
        if self._parents and self.proposed > len(self._grammar.blows) and rng.random() < _VARIED:
            weights = [worth for worth, _ in self._parents]
            ((_, parent),) = rng.choices(self._parents, weights)
            return self._grammar.varied(rng, parent)
        return self._grammar.plan(rng, self._strikes(rng))

    def _strikes(self, rng: Rng) -> int:
        """Singles until each blow had its turn, then more pairs, then more still."""
        rounds = self.proposed / max(1, len(self._grammar.blows))
        if rounds <= 1:
            return 1
        return rng.choices((1, 2, 3, 4), (2, 4, 2, 1) if rounds < 3 else (1, 4, 3, 2))[0]

    def _worth(self, plan: Plan) -> float:
        """What no try had yet, and what carried messages, less for each further strike."""
        new = sum(1 / (1 + 2 * self._tried[trait]) for trait in _traits(plan))
        carried = sum(self._carries(strike) for strike in plan.strikes)
        return (new + 2 * carried) / max(1, len(plan.strikes))

    def _carries(self, strike: Strike) -> float:
        return self._support.get(strike.blow.target, 0) / self._carried


def _traits(plan: Plan) -> Iterator[object]:
    """By what tries are told apart: each strike, when it falls, and each two in their order."""
    for strike in plan.strikes:
        blow = (strike.blow.name, strike.blow.target, strike.blow.fault.get("towards"))
        yield blow
        yield (*blow, strike.due.event, strike.hold_s > 5)
    for one, other in combinations(plan.strikes, 2):
        yield (one.blow.name, other.blow.name, one.blow.target == other.blow.target)
