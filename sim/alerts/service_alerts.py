"""Who cannot reach a service: a region's link to it is cut, or the world's own does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from sim.alerts.board import Condition
from sim.observe.events import Event, LinkChanged, PartFailed, PartRestarted
from sim.topology.model import DATABASE, AlertName, Topology


class ServiceWatch:
    """Finds who cannot reach a service.

    Of the database the alert is `database_unreachable`, of a region, or of `database` for all; of
    another it is `service_unreachable`, of a link, or of the service for all.
    """

    kinds = (LinkChanged, PartFailed, PartRestarted)

    def __init__(self, topology: Topology) -> None:
        self._services = topology.services

    def take(self, t: float, event: Event) -> Iterator[Condition]:
        """What an event shows."""
        del t
        match event:
            case LinkChanged():
                region, _, name = event.link.partition(":")
                if name in self._services:
                    cut = event.state != "up"
                    what = f"is cut ({event.state})" if cut else "is up"
                    reason = f"the link from {region} to the {name} {what}"
                    subject = region if name == DATABASE else event.link
                    yield Condition(_alert(name), subject, cut, reason, region)
            case PartFailed() if event.part in self._services:
                reason = f"the {event.part} does not answer: {event.reason}"
                yield Condition(_alert(event.part), event.part, wrong=True, reason=reason)
            case PartRestarted() if event.part in self._services:
                reason = f"the {event.part} answers again"
                yield Condition(_alert(event.part), event.part, wrong=False, reason=reason)


def _alert(service: str) -> AlertName:
    return "database_unreachable" if service == DATABASE else "service_unreachable"
