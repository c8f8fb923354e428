"""Silences: how long each client's stream of answers stood still, whatever the reason. Pure.

A stream begins with a client's first answer (or, where none ever came, with its first attempt) and
ends with the load. An outage allows for the client's own pace; a silence is the bare gap.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.observe.client_names import location_of
from sim.observe.events import Acked
from sim.observe.gap_rule import GapRule
from sim.observe.history import History


@dataclass(frozen=True)
class Silence:
    """A gap between two answers to a client, or from its last one to the end.

    `certain_s` of it the stream stood still whenever a message had been sent; the rest may be the
    client's own pace, the way of a message and its answer, or the host that kept it waiting.
    """

    client: str
    from_s: float
    to_s: float
    certain_s: float

    @property
    def seconds(self) -> float:
        """How long nothing came."""
        return self.to_s - self.from_s


def longest_silences(
    history: History, location: str, rule: GapRule, from_s: float, until_s: float
) -> list[Silence]:
    """The longest silence of each of a location's streams, of those that touch a time."""
    longest: dict[str, _Gap] = {}

    def take(client: str, gap: _Gap) -> None:
        since_s, to_s, _ = gap
        if since_s < until_s and to_s > from_s:
            known = longest.get(client)
            if known is None or to_s - since_s > known[1] - known[0]:
                longest[client] = gap

    clients = history.clients_of(location)
    last: dict[str, tuple[float, str]] = {}
    for t, acked in history.of(Acked):
        if before := last.get(acked.client):
            take(acked.client, (before[0], t, before[1]))
        last[acked.client] = (t, acked.region)
    for client in clients:
        since_s, region = last.get(client) or (_first_attempt(history, client), None)
        if history.end > since_s:
            take(client, (since_s, history.end, region))
    return [
        _silence(history, client, rule, longest[client]) for client in clients if client in longest
    ]


_Gap = tuple[float, float, str | None]  # from when, until when, and who had answered before it


def _silence(history: History, client: str, rule: GapRule, gap: _Gap) -> Silence:
    from_s, to_s, region = gap
    regions = () if region is None else (region,)
    host_s = history.noise.path_s(regions, from_s, to_s)
    doubt_s = rule.resolution(location_of(client), region) + host_s
    return Silence(client, from_s, to_s, max(0.0, to_s - from_s - doubt_s))


def _first_attempt(history: History, client: str) -> float:
    tried = (history.resolved, history.connected, history.connect_failed)
    return min(events[client][0][0] for events in tried if events.get(client))
