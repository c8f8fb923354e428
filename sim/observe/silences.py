"""Silences: how long each client's stream of answers stood still, whatever the reason. Pure.

A stream begins with a client's first answer (or, where none ever came, with its first attempt) and
ends with the load. An outage allows for the client's own pace; a silence is the bare gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.observe.client_names import location_of
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
    found = []
    for client in history.clients_of(location):
        touching = (
            silence
            for silence in _silences(history, client, rule)
            if silence.from_s < until_s and silence.to_s > from_s
        )
        if longest := max(touching, key=lambda silence: silence.seconds, default=None):
            found.append(longest)
    return found


def _silences(history: History, client: str, rule: GapRule) -> Iterator[Silence]:
    answers = history.acked.get(client, ())
    previous_s, region = _first_attempt(history, client), None
    if answers:
        previous_s, region = answers[0][0], answers[0][1].region
    for t, acked in answers[1:]:
        yield _silence(history, client, rule, (previous_s, t), region)
        previous_s, region = t, acked.region
    if history.end > previous_s:
        yield _silence(history, client, rule, (previous_s, history.end), region)


def _silence(
    history: History,
    client: str,
    rule: GapRule,
    between: tuple[float, float],
    region: str | None,
) -> Silence:
    from_s, to_s = between
    regions = () if region is None else (region,)
    host_s = history.noise.path_s(regions, from_s, to_s)
    doubt_s = rule.resolution(location_of(client), region) + host_s
    return Silence(client, from_s, to_s, max(0.0, to_s - from_s - doubt_s))


def _first_attempt(history: History, client: str) -> float:
    tried = (history.resolved, history.connected, history.connect_failed)
    return min(events[client][0][0] for events in tried if events.get(client))
