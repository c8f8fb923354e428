"""What somebody on call is told."""

from __future__ import annotations

from dataclasses import dataclass

from sim.observe.events.event import Event


@dataclass(frozen=True)
class Alert(Event):
    """What somebody on call would be told: it follows from other events, and is told once.

    `alert` is one of the topology's (`AlertName`), `subject` what it is of: a machine's id, a
    region, a location, a service, a link or a policy (docs/alerts.md). `state` is began or ended,
    `since` the instant of the beginning in the journal's time; an outage is known only after its
    clients' ordinary pace is over. `region` is the one to blame, if any.
    """

    kind = "alert"
    alert: str
    subject: str
    state: str
    reason: str
    region: str | None = None
    since: float | None = None


@dataclass(frozen=True)
class AlertUndelivered(Event):
    """A receiver of alerts did not take one; told again only after it has taken one meanwhile."""

    kind = "alert_undelivered"
    receiver: str
    reason: str
