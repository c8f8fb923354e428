"""database_unreachable: a region's link to it is cut, or the world's own server does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from sim.alerts.board import Condition
from sim.observe.events import Event, LinkChanged, PartFailed, PartRestarted
from sim.topology.model import DATABASE

_ALERT = "database_unreachable"


class DatabaseWatch:
    """Finds who cannot reach the database. The subject is a region, or `database` for all."""

    kinds = (LinkChanged, PartFailed, PartRestarted)

    def take(self, t: float, event: Event) -> Iterator[Condition]:
        """What an event shows."""
        del t
        match event:
            case LinkChanged():
                region, _, target = event.link.partition(":")
                if target == DATABASE:
                    cut = event.state != "up"
                    what = f"is cut ({event.state})" if cut else "is up"
                    reason = f"the link from {region} to the database {what}"
                    yield Condition(_ALERT, region, cut, reason, region)
            case PartFailed() if event.part == DATABASE:
                reason = f"the database does not answer: {event.reason}"
                yield Condition(_ALERT, DATABASE, wrong=True, reason=reason)
            case PartRestarted() if event.part == DATABASE:
                yield Condition(_ALERT, DATABASE, wrong=False, reason="the database answers again")
