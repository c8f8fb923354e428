"""What a name server has done so far, counted as it goes.

A ready answer carries its own counter, so that counting costs the hot path two increments and no
look-up. The kinds are few, whatever is asked: types that are not of this zone are one kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dnslib import QTYPE

from sim.routing.dns import wire

OTHER_TYPES = "other"
_TYPES = ("A", "NS", "SOA", "TXT", "AAAA", "SVCB", "HTTPS", "ANY")
_NAMES = {int(getattr(QTYPE, name)): name for name in _TYPES}


class Answered(NamedTuple):
    """A kind of answer.

    `location` is None for someone in no location, and for what is the same everywhere; `region`
    is the one that the location was led to, where the answer depends on it.
    """

    location: str | None
    region: str | None
    type: str
    rcode: str


class Tally:
    """A number that its holders count up."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def __repr__(self) -> str:
        return f"<Tally {self.count}>"


@dataclass(frozen=True)
class Counts:
    """The counters of a name server at one moment. All only ever grow.

    `received` are packets, by transport, and each is one of `answers`, `errors` (queries answered
    with an error that no record could mend, by its code) or `unanswered` (by the reason).
    `clients` are the answers by what the query had (`plain`, `edns`, `subnet`); `encoded` are the
    answers that were not ready; `truncated` those that did not fit.
    """

    received: Mapping[wire.Transport, int]
    answers: Mapping[Answered, int]
    errors: Mapping[str, int]
    unanswered: Mapping[str, int]
    clients: Mapping[str, int]
    encoded: int
    truncated: int


@dataclass
class Counters:
    """The running counters behind `Counts`."""

    answers: defaultdict[Answered, Tally] = field(default_factory=lambda: defaultdict(Tally))
    errors: defaultdict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    no_query: Tally = field(default_factory=Tally)
    silenced: Tally = field(default_factory=Tally)
    plain: Tally = field(default_factory=Tally)
    edns: Tally = field(default_factory=Tally)
    subnet: Tally = field(default_factory=Tally)
    encoded: Tally = field(default_factory=Tally)
    truncated: Tally = field(default_factory=Tally)

    def answer(self, location: str | None, region: str | None, rtype: int, rcode: int) -> Tally:
        """The counter of a kind of answer."""
        name = _NAMES.get(rtype, OTHER_TYPES)
        return self.answers[Answered(location, region, name, wire.RCODES[rcode])]

    def counts(self, received: Mapping[wire.Transport, int]) -> Counts:
        """What was counted so far, apart from what goes on."""
        return Counts(
            received=dict(received),
            answers={kind: tally.count for kind, tally in self.answers.items() if tally.count},
            errors={wire.RCODES[rcode]: tally.count for rcode, tally in self.errors.items()},
            unanswered={"no query": self.no_query.count, "outage": self.silenced.count},
            clients={
                "plain": self.plain.count,
                "edns": self.edns.count,
                "subnet": self.subnet.count,
            },
            encoded=self.encoded.count,
            truncated=self.truncated.count,
        )
