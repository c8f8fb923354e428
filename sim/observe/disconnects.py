"""The connections that ended before their load did, and who ended each of them. Pure.

Whose end it was is told by its cause, where the journal has one:

- `deploy`: the machine was being replaced or stopped by a deploy (see deploys.py);
- `machine`: its process had ended, or was about to, by a fault, a verb or by itself: a connection
  cannot outlive the process that it leads to;
- `link`: it broke, or its client gave it up, where a link of its path was cut, reset, half-open or
  limited in age;
- `client`: the client gave it up, because it waited too long or its driver was done;
- `gateway`: the other side ended it all the same: a close frame, a goodbye, or the end of TCP;
- `unknown`: the journal does not say how it ended, or a part of the simulator failed just then.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from sim.observe.deploys import DeployRun
from sim.observe.events import Disconnected, FaultBegan, LinkChanged, MachineDied, PartFailed
from sim.observe.history import History, Timed
from sim.observe.processes import Connection, connections, process_end

By = Literal["gateway", "machine", "link", "deploy", "client"]
ENDED_BY: tuple[By, ...] = get_args(By)

UNKNOWN = "unknown"
OTHER_REASONS = "other reasons"

# An end may reach a client before or after the simulator notices its cause: by so many real
# seconds, because sockets are real.
_NOTICED_REAL_S = 0.5

# Faults that make a process end.
_ENDS_MACHINES = frozenset({"crash", "host", "stop", "deploy", "scale"})

_CLOSES_OF_AN_END = frozenset({1001, 1006, 1012})
_MOST_REASONS = 3  # of one location, region, author and code
_OWN_PARTS = ("journal", "load")  # whose failure ends no connection; nor does a service's


@dataclass(frozen=True)
class End:
    """One connection's end, at `t`. `by` is one of ENDED_BY, or unknown."""

    t: float
    since_s: float
    down: Disconnected
    by: str

    @property
    def reason(self) -> str:
        """The gateway's own reason, or why the client left."""
        return self.down.reason if self.down.how in ("left", "goodbye") else self.down.close_reason


@dataclass(frozen=True)
class Group:
    """Ends that are alike. `unanswered` are the messages that waited for an answer then."""

    location: str
    region: str
    by: str
    code: int | None
    reason: str
    count: int
    unanswered: int


def find_ends(history: History, deploys: Sequence[DeployRun]) -> list[End]:
    """Every end that was not the load's own, in order."""
    dropped = {(t, down.client) for deploy in deploys for t, down in deploy.dropped}
    causes = _Causes(history)
    return [
        End(c.until_s, c.since_s, c.down, _who(causes, c, dropped))
        for c in connections(history)
        if not c.down.expected and c.until_s <= history.end
    ]


def fold(ends: Iterable[End]) -> list[Group]:
    """Ends that are alike as one, the most frequent first; rare reasons of a kind together."""
    kinds: dict[tuple[str, str, str, int | None], Counter[str]] = defaultdict(Counter)
    unanswered: Counter[tuple[object, str]] = Counter()
    ends = list(ends)
    for end in ends:
        kinds[_kind(end)][end.reason] += 1
        unanswered[_kind(end), end.reason] += end.down.unanswered
    groups: list[Group] = []
    for kind, reasons in kinds.items():
        ranked = reasons.most_common()
        kept = ranked if len(ranked) <= _MOST_REASONS else ranked[: _MOST_REASONS - 1]
        groups += [Group(*kind, why, n, unanswered[kind, why]) for why, n in kept]
        if rest := ranked[len(kept) :]:
            left = sum(unanswered[kind, why] for why, _ in rest)
            groups.append(Group(*kind, OTHER_REASONS, sum(n for _, n in rest), left))
    return sorted(groups, key=lambda g: (-g.count, g.location, g.region, g.by, g.reason))


def _kind(end: End) -> tuple[str, str, str, int | None]:
    return (end.down.location, end.down.region, end.by, end.down.code)


class _Causes:
    """What happened to links and to the simulator's own parts, for the question of when."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.noticed_s = _NOTICED_REAL_S * history.speed
        self._links: dict[str, list[Timed[LinkChanged]]] = defaultdict(list)
        for t, change in history.of(LinkChanged):
            self._links[change.link].append((t, change))
        self._resets = [(t, f) for t, f in history.of(FaultBegan) if f.fault == "reset"]
        self._asked = [t for t, f in history.of(FaultBegan) if f.fault in _ENDS_MACHINES]
        self._died = [(t, died.machine) for t, died in history.of(MachineDied)]
        harmless = {*_OWN_PARTS, *_services(history)}
        self._failures = [t for t, p in history.of(PartFailed) if p.part not in harmless]

    def own_part_failed(self, t: float) -> bool:
        """Whether a part of the simulator failed about then."""
        return any(abs(t - failed) <= self.noticed_s for failed in self._failures)

    def process_ended(self, connection: Connection) -> bool:
        """Whether its machine's process had ended, or was ending: what it says then is of that end.

        One that ends by itself does so before the journal knows; one that is made to does not
        before that begins.
        """
        down, t = connection.down, connection.until_s
        ended = process_end(self.history, down.machine, connection.since_s)
        if ended is None or ended <= t:
            return ended is not None
        from_s = ended - self.noticed_s
        if not any(m == down.machine and abs(at - ended) <= self.noticed_s for at, m in self._died):
            asked = [at for at in self._asked if from_s <= at <= ended]
            from_s = max(asked, default=from_s)
        return from_s <= t and (down.how == "goodbye" or down.code in _CLOSES_OF_AN_END)

    def link_was_cut(self, connection: Connection) -> bool:
        """Whether its path was cut or reset when it ended, or just before."""
        since = max(connection.since_s, connection.until_s - self.noticed_s)
        path = self._path(connection)
        return any(
            self._down(link, since, connection.until_s) or self._left_out(link, connection)
            for link in path
        ) or any(
            since <= t <= connection.until_s and _concerns(fault, connection, path)
            for t, fault in self._resets
        )

    def _path(self, connection: Connection) -> set[str]:
        """The links of a connection: to its region, or with anycast to an edge and on from it."""
        location, region = connection.down.location, connection.down.region
        led = [
            routing.regions[0]
            for t, routing in self.history.routing
            if routing.location == location and t <= connection.since_s and routing.regions
        ]
        path = {f"{location}:{region}"}
        if led and led[-1] != region:
            path |= {f"{location}:{led[-1]}", f"{led[-1]}:{region}", f"{region}:{led[-1]}"}
        return path

    def _left_out(self, link: str, connection: Connection) -> bool:
        """Whether a link that carries others may have been silent for this one, or have ended it.

        It stood before a few fell silent and its client gave it up, or it broke at an age limit.
        """
        down, since_s, until_s = connection.down, connection.since_s, connection.until_s
        for t, change in self._in_effect(link, until_s - self.noticed_s, until_s):
            if down.how == "left" and change.detail.get("half_open") and since_s < t:
                return True
            age_s = change.detail.get("age_limit_s", math.inf)
            if down.how == "broken" and until_s - since_s >= age_s - self.noticed_s:
                return True
        return False

    def _in_effect(self, link: str, since: float, until: float) -> Iterator[Timed[LinkChanged]]:
        """What a link was like between two instants, each with when it became so."""
        changes = self._links.get(link, ())
        for (t, change), (ends, _) in pairwise([*changes, (math.inf, None)]):
            if t <= until and ends >= since:
                yield t, change

    def _down(self, link: str, since: float, until: float) -> bool:
        """Whether a link was not up at some time between two instants."""
        before = "up"
        for t, change in self._links.get(link, ()):
            if t > until:
                break
            if t >= since and "up" in (before, change.state) and before != change.state:
                return True
            before = change.state
        return before != "up"


def _concerns(fault: FaultBegan, connection: Connection, path: set[str]) -> bool:
    """Whether a fault on links is about one of a path's."""
    detail = fault.detail
    down = connection.down
    kind = detail.get("kind")
    if kind == "everything":
        return True
    if kind == "region":
        return any(detail.get("region") in link.split(":") for link in path)
    if kind == "location":
        return fault.target == down.location
    location, region = detail.get("location"), detail.get("region")
    return location in (None, down.location) and any(region in link.split(":") for link in path)


def _who(causes: _Causes, connection: Connection, dropped: set[tuple[float, str]]) -> str:
    down, t = connection.down, connection.until_s
    if (t, down.client) in dropped:
        return "deploy"
    if causes.process_ended(connection):
        return "machine"
    if not down.how or (down.how == "broken" and causes.own_part_failed(t)):
        return UNKNOWN
    if down.how in ("broken", "left") and causes.link_was_cut(connection):
        return "link"
    return "client" if down.how == "left" else "gateway"


def _services(history: History) -> Iterable[str]:
    return (history.run.topology.get("services") or {}) if history.run else ()
