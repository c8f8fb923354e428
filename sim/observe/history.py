"""A run as its journal tells it, indexed for the questions that checks and reports ask.

All times here are simulated seconds from the start of the load, as in reports; events before it
(the world coming up) have negative times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, overload

from sim.observe.boots import Boots
from sim.observe.client_names import location_of
from sim.observe.events import (
    KINDS,
    Acked,
    Alert,
    Audited,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    EdgeConnection,
    Event,
    Failed,
    FaultBegan,
    HealthChanged,
    HostStalled,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    ProcessorWaits,
    RealTimeSeen,
    Resolved,
    RoutingChanged,
    RunStarted,
    Sent,
    SessionReady,
    Stored,
    Unknown,
)
from sim.observe.idleness import Idleness
from sim.observe.journal import Record, Records
from sim.observe.noise import Noise
from sim.observe.numbers import Numbers
from sim.observe.refusals import Refusal, refusals
from sim.observe.retransmission import Retransmission

E = TypeVar("E", bound=Event)
Timed = tuple[float, E]

# Of a long run these are too many to be kept as objects.
_MANY = frozenset({Sent, Acked, Failed, Unknown, Stored, EdgeConnection, ProcessorWaits})


class History:
    """The events of one run, by type and by client.

    Those of single messages and requests are read from the records whenever they are asked for.

    With `whole` they are those of a session in which loads may come and go: times count from the
    world's start, and the end is the journal's.
    """

    def __init__(self, records: Iterable[Record], *, whole: bool = False) -> None:
        self.whole = whole
        records = records.copy() if isinstance(records, Records) else Records(records)
        self._records = records
        loads = records.among([LoadStarted])
        began = None if whole else next((record.t for record in loads), None)
        self.load_started = began is not None
        self._origin = 0.0 if began is None else began
        self._kept = list(self.read({*KINDS.values()} - _MANY))
        self._by_type: dict[type[Event], list[Timed[Event]]] = defaultdict(list)
        for timed in self._kept:
            self._by_type[type(timed[1])].append(timed)
        self._idleness: Idleness | None = None
        self._among: dict[tuple[type[Event], ...], Sequence[Timed[Event]]] = {}
        self.last_t = round(records[-1].t - self._origin, 6) if records else 0.0

    def __repr__(self) -> str:
        return f"<History of {self.name!r}: {len(self._records)} events>"

    def read(self, kinds: Collection[type[Event]]) -> Iterator[Timed[Event]]:
        """The events of these types, in order, as they are read from the records."""
        origin = self._origin
        for t, event in self._records.among(kinds):
            if isinstance(event, Resolved) and event.expires is not None:
                event = replace(event, expires=event.expires - origin)  # noqa: PLW2901 - moved in time
            yield round(t - origin, 6), event

    def until(self, instant: float, *, audited: bool) -> History:
        """The run as it was known at an instant, as if the load had ended then.

        What is stored of the messages that were sent by then is still known if `audited`.
        """
        return History(self._until(self._origin + instant, instant, audited=audited))

    def _until(self, t: float, instant: float, *, audited: bool) -> Iterator[Record]:
        sent: dict[str, Numbers] = defaultdict(Numbers)
        for record in self._records:
            if record.t <= t:
                if isinstance(record.event, Sent):
                    sent[record.event.session].add(record.event.seq)
                yield record
        if self.ended is None or self.ended > instant:
            yield Record(t, LoadEnded())
        for record in self._records.among([Audited, Stored]) if audited else ():
            event = record.event
            known = not isinstance(event, Stored) or event.seq in sent[event.session]
            if record.t > t and known:
                yield record

    def of(self, kind: type[E]) -> Sequence[Timed[E]]:
        """The events of one type, in order, with their times."""
        if kind in _MANY:
            return _Read(self, (kind,))
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    def among(self, *kinds: type[Event]) -> Sequence[Timed[Event]]:
        """The events of several types as they came, also those of one instant."""
        if not _MANY.isdisjoint(kinds):
            return _Read(self, kinds)
        if kinds not in self._among:  # of a long run they are few, and asked for at each failure
            self._among[kinds] = [timed for timed in self._kept if type(timed[1]) in kinds]
        return self._among[kinds]

    def by_client(self, kind: type[E]) -> Mapping[str, Sequence[Timed[E]]]:
        """The events of one type by the client they name."""
        found: dict[str, list[Timed[E]]] = defaultdict(list)
        for t, event in self.of(kind):
            found[event.client].append((t, event))  # type: ignore[attr-defined]
        return found

    # --- the run ---

    @cached_property
    def run(self) -> RunStarted | None:
        """What was run, if the journal begins with it."""
        return next((event for _, event in self.of(RunStarted)), None)

    @property
    def name(self) -> str:
        """The scenario's name, or the app's for a world without one."""
        if not self.run:
            return "?"
        source = self.run.scenario or {}
        return str(source.get("name") or self.run.topology.get("app", "?"))

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self.run.speed if self.run else 1.0

    @property
    def own_speed(self) -> float:
        """How many simulated seconds a second of a machine's own timers lasts."""
        real = any(event.whole for _, event in self.of(RealTimeSeen))
        return self.speed if real or not self.run else self.run.own_speed

    @cached_property
    def ended(self) -> float | None:
        """When the load ended, or None for a run that was cut off, and for a session."""
        return None if self.whole else next((t for t, _ in self.of(LoadEnded)), None)

    @property
    def end(self) -> float:
        """The end of what can be judged."""
        return self.last_t if self.ended is None else self.ended

    @cached_property
    def audit(self) -> Audited | None:
        """The audit of the database, if there was one."""
        return next((event for _, event in self.of(Audited)), None)

    @cached_property
    def machine_changes(self) -> Mapping[str, Sequence[Timed[MachineChanged]]]:
        """What states each machine went through."""
        found: dict[str, list[Timed[MachineChanged]]] = defaultdict(list)
        for t, change in self.of(MachineChanged):
            found[change.machine].append((t, change))
        return found

    # --- clients ---

    @cached_property
    def answered(self) -> Mapping[str, tuple[Timed[Acked], Timed[Acked]]]:
        """The first and the last answer to each client that was acknowledged or answered any."""
        first: dict[str, Timed[Acked]] = {}
        last: dict[str, Timed[Acked]] = {}
        for timed in self.of(Acked):
            client = timed[1].client
            first.setdefault(client, timed)
            last[client] = timed
        return {client: (first[client], last[client]) for client in first}

    def last_answer(self, client: str, session: str, instant: float) -> Timed[Acked] | None:
        """The last answer to a client of a session by an instant."""
        last = None
        for t, acked in self.of(Acked):
            if t <= instant and (acked.client, acked.session) == (client, session):
                last = (t, acked)
        return last

    @cached_property
    def connected(self) -> Mapping[str, Sequence[Timed[Connected]]]:
        """The connections that each client got."""
        return self.by_client(Connected)

    @cached_property
    def disconnected(self) -> Mapping[str, Sequence[Timed[Disconnected]]]:
        """The connections that each client lost."""
        return self.by_client(Disconnected)

    @cached_property
    def resolved(self) -> Mapping[str, Sequence[Timed[Resolved]]]:
        """The answers that each client got from DNS."""
        return self.by_client(Resolved)

    @cached_property
    def connect_failed(self) -> Mapping[str, Sequence[Timed[ConnectFailed]]]:
        """The connections that each client did not get."""
        return self.by_client(ConnectFailed)

    @cached_property
    def refusals(self) -> Sequence[tuple[float, Refusal]]:
        """Every attempt of a client that was not served, in order."""
        kinds = (Connected, ConnectFailed, Disconnected, Sent, SessionReady, Acked, Failed)
        return refusals(self.among(*kinds), self.of(Disconnected), self.end)

    @cached_property
    def clients(self) -> Sequence[str]:
        """Every client that did anything, in order of appearance."""
        seen = [(t, event.client) for t, event in self.of(Resolved)]
        seen += [(t, event.client) for t, event in self.of(ConnectFailed)]
        seen += [(t, event.client) for t, event in self.of(Connected)]
        return list(dict.fromkeys(client for _, client in sorted(seen)))

    @cached_property
    def resolvers(self) -> Mapping[str, str]:
        """The personality of each client's resolver, as far as the journal says."""
        return {event.client: event.resolver for _, event in self.of(ClientMade)}

    def clients_of(self, location: str) -> Sequence[str]:
        """The clients of one location."""
        return [client for client in self.clients if location_of(client) == location]

    @cached_property
    def locations(self) -> Sequence[str]:
        """The locations that had clients, in order of appearance."""
        return list(dict.fromkeys(map(location_of, self.clients)))

    def region_of(self, client: str, instant: float) -> str | None:
        """The region a client was connected to just before an instant, or None."""
        last: tuple[float, str | None] = (-1e9, None)
        for t, up in self.connected.get(client, ()):
            if t <= instant and t >= last[0]:
                last = (t, up.region)
        for t, _ in self.disconnected.get(client, ()):
            if t < instant and t > last[0]:
                last = (t, None)
        return last[1]

    # --- everything else, under the names that questions use ---

    @property
    def faults(self) -> Sequence[Timed[FaultBegan]]:
        """The faults that were done, in order."""
        return self.of(FaultBegan)

    @property
    def health(self) -> Sequence[Timed[HealthChanged]]:
        """What the health checker came to believe."""
        return self.of(HealthChanged)

    @property
    def alerts(self) -> Sequence[Timed[Alert]]:
        """What somebody on call would have been told."""
        return self.of(Alert)

    @property
    def routing(self) -> Sequence[Timed[RoutingChanged]]:
        """What locations were led to."""
        return self.of(RoutingChanged)

    @property
    def stalls(self) -> Sequence[Timed[HostStalled]]:
        """When the simulator itself ran late."""
        return self.of(HostStalled)

    @cached_property
    def noise(self) -> Noise:
        """What the host kept waiting."""
        return Noise(self.speed, self.among(*Noise.kinds))

    @cached_property
    def boots(self) -> Boots:
        """When machines were booting."""
        return Boots(self.speed, self.among(*Boots.kinds))

    def idleness(self, pace_s: float) -> Idleness:
        """When clients left the gateway alone for longer than their pace."""
        if self._idleness is None or self._idleness.pace_s != pace_s:
            self._idleness = Idleness(pace_s, self.among(*Idleness.kinds))
        return self._idleness

    @cached_property
    def retransmission(self) -> Retransmission:
        """How much later TCP carried on after a silence than it would in life."""
        return Retransmission(self.speed, self.among(*Retransmission.kinds))

    @cached_property
    def regions(self) -> Collection[str]:
        """The regions that had machines."""
        return {change.region for _, change in self.of(MachineChanged)}

    @property
    def sessions(self) -> Sequence[Timed[SessionReady]]:
        """Every time that a gateway took a session up."""
        return self.of(SessionReady)


class _Read(Sequence[Timed[Any]]):
    """Events of a history that are read anew each time."""

    def __init__(self, history: History, kinds: Sequence[type[Event]]) -> None:
        self._history = history
        self._kinds = kinds

    def __repr__(self) -> str:
        return f"<Read {', '.join(kind.kind for kind in self._kinds)} of {self._history!r}>"

    def __iter__(self) -> Iterator[Timed[Any]]:
        return self._history.read(self._kinds)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> Timed[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Timed[Any]]: ...

    def __getitem__(self, index: int | slice) -> Timed[Any] | Sequence[Timed[Any]]:
        return [*self][index]
