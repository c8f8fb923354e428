"""What a journal says so far, counted by few labels: no client's name, no request's id."""

from __future__ import annotations

from collections import Counter, defaultdict

from sim.observe.client_names import location_of
from sim.observe.events import (
    Acked,
    Alert,
    AlertUndelivered,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    Failed,
    FaultBegan,
    FaultFailed,
    HostStalled,
    LoadEnded,
    LoadStarted,
    PartFailed,
    Sent,
    TlsHandshakeFailed,
    Unknown,
)
from sim.observe.histogram import Histogram
from sim.observe.journal import Record

NOWHERE = ""  # a region or location that there was none of


class JournalTally:
    """Counts a journal's records; subscribe it. Clients by (location, region)."""

    def __init__(self) -> None:
        self.clients: Counter[str] = Counter()  # of the load that runs, by location
        self.sent: Counter[str] = Counter()
        self.answers: dict[tuple[str, ...], Histogram] = defaultdict(Histogram)
        self.failures: Counter[tuple[str, str, str]] = Counter()  # and what failed
        self.connections: Counter[tuple[str, str]] = Counter()
        self.alerts: Counter[str] = Counter()
        self.undelivered = 0
        self.outages: Counter[str] = Counter()
        self.outage_s: defaultdict[str, float] = defaultdict(float)
        self.faults: Counter[str] = Counter()
        self.failed_faults = 0
        self.failed_parts = 0
        self.stalled_real_s = 0.0
        self.tls_failures: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<JournalTally {self.sent.total()} messages sent, {self.faults.total()} faults>"

    def __call__(self, record: Record) -> None:
        """Take a record in."""
        t, event = record
        match event:
            case Acked():
                key = (location_of(event.client), event.region)
                self.answers[key].observe(event.latency_ms / 1000)
            case Sent():
                self.sent[location_of(event.client)] += 1
            case Connected():
                self.connections[event.location, event.region] += 1
            case Disconnected():
                self.connections[event.location, event.region] -= 1
                if not event.expected:
                    self.failures[event.location, event.region, "disconnected"] += 1
            case ConnectFailed():
                self.failures[event.location, event.region or NOWHERE, "refused"] += 1
            case Failed():
                where = location_of(event.client)
                self.failures[where, event.region or NOWHERE, "rejected"] += 1
            case Unknown():
                self.failures[location_of(event.client), NOWHERE, "unanswered"] += 1
            case _:
                self._rare(t, event)

    def _rare(self, t: float, event: object) -> None:
        match event:
            case LoadStarted() | LoadEnded():
                self.clients.clear()
            case ClientMade():
                self.clients[event.location] += 1
            case Alert():
                self._alert(t, event)
            case AlertUndelivered():
                self.undelivered += 1
            case FaultBegan():
                self.faults[event.fault] += 1
            case FaultFailed():
                self.failed_faults += 1
            case PartFailed():
                self.failed_parts += 1
            case HostStalled():
                self.stalled_real_s += event.real_ms / 1000
            case TlsHandshakeFailed():
                self.tls_failures[event.region] += 1

    def _alert(self, t: float, alert: Alert) -> None:
        if alert.state == "began":
            self.alerts[alert.alert] += 1
        if alert.alert == "outage" and alert.state == "began":
            self.outages[alert.subject] += 1
        elif alert.alert == "outage":
            began = t if alert.since is None else alert.since
            self.outage_s[alert.subject] += t - began
